/**
 * The dashboard and the alerts speak of what the program tells: each metric, label and value in them is one that there is, used as its
 * type wants it. Their form is held to what Grafana and Prometheus read, as far as we use it: nothing in it may be misspelt.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { operationIds } from "../../generated/types/operationIds.ts";
import { localInstaller } from "../../src/installers/local/localInstaller.ts";
import type { Queue } from "../../src/queue/queue.ts";
import { metricCatalogue, type MetricRow } from "../../src/runtime/metricCatalogue.ts";
import { Metrics } from "../../src/runtime/metrics.ts";
import type { Store } from "../../src/store/store.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import { TestClock } from "../runtime/testClock.ts";
import { selectorsOf, type Selector } from "./promql.ts";

function textOf(file: string): string {
  return readFileSync(new URL(`../../deploy/${file}`, import.meta.url), "utf8");
}

const annotations = z.strictObject({ summary: z.string().min(1), description: z.string().min(1) });
const rulesFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string().min(1),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^OpenShiftRp[A-Za-z]+$/),
          expr: z.string().min(1),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(["critical", "warning"]) }),
          annotations,
        }),
      ),
    }),
  ),
});

const datasource = z.strictObject({
  type: z.literal("prometheus"),
  uid: z.literal("${datasource}"),
});
const position = z.strictObject({
  x: z.int().min(0).max(23),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
});
const shown = z.strictObject({
  id: z.int(),
  type: z.literal("timeseries"),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource,
  gridPos: position,
  fieldConfig: z.strictObject({
    defaults: z.strictObject({
      unit: z.enum(["short", "s", "bytes", "ops", "reqps", "percentunit"]),
      min: z.literal(0),
      thresholds: z.strictObject({
        mode: z.literal("absolute"),
        steps: z.array(z.strictObject({ color: z.string(), value: z.number().nullable() })),
      }),
      custom: z.strictObject({
        drawStyle: z.literal("line"),
        fillOpacity: z.int(),
        showPoints: z.literal("never"),
        stacking: z.strictObject({ mode: z.enum(["none", "normal"]), group: z.string() }),
      }),
    }),
    overrides: z.array(z.never()),
  }),
  targets: z
    .array(
      z.strictObject({
        refId: z.string().regex(/^[A-Z]$/),
        datasource,
        editorMode: z.literal("code"),
        range: z.literal(true),
        expr: z.string().min(1),
        legendFormat: z.string().min(1),
      }),
    )
    .min(1),
  options: z.strictObject({
    legend: z.strictObject({
      displayMode: z.literal("list"),
      placement: z.literal("bottom"),
      showLegend: z.literal(true),
    }),
    tooltip: z.strictObject({ mode: z.literal("multi"), sort: z.literal("desc") }),
  }),
});
const row = z.strictObject({
  id: z.int(),
  type: z.literal("row"),
  title: z.string().min(1),
  collapsed: z.literal(false),
  gridPos: position,
  panels: z.array(z.never()),
});
const dashboardFile = z.looseObject({
  title: z.string().min(1),
  uid: z.string().regex(/^[a-z-]{1,40}$/),
  schemaVersion: z.literal(39),
  templating: z.strictObject({
    list: z.tuple([
      z.looseObject({
        name: z.literal("datasource"),
        type: z.literal("datasource"),
        query: z.literal("prometheus"),
      }),
      z.looseObject({
        name: z.literal("job"),
        type: z.literal("query"),
        datasource,
        definition: z.string(),
      }),
    ]),
  }),
  panels: z.array(z.discriminatedUnion("type", [shown, row])),
});

const dashboard = dashboardFile.parse(JSON.parse(textOf("dashboard.json")));
const alerts = rulesFile.parse(parse(textOf("alerts.yaml"))).groups.flatMap(({ rules }) => rules);
const panels = dashboard.panels.flatMap((panel) => (panel.type === "row" ? [] : [panel]));

/** What Grafana puts in before it asks. */
function asAsked(expression: string): string {
  return expression.replaceAll("$__rate_interval", "5m").replaceAll("$job", "openshift-rp");
}

const expressions: readonly (readonly [where: string, expression: string])[] = [
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => [`panel ${title}`, asAsked(expr)] as const),
  ),
];

/** Of whoever scrapes. */
const targetLabels = ["job", "instance"];

const storeMethods: Readonly<Record<keyof Store, true>> = {
  read: true,
  commit: true,
  listClusters: true,
  listUnqueued: true,
  listUnattended: true,
  listRunning: true,
  listPurges: true,
  listUnsettled: true,
  listNotSealedBy: true,
  updateScheduling: true,
  acquireLease: true,
  renewLease: true,
  releaseLease: true,
  leaseRemainingMs: true,
  ping: true,
};
const queueMethods: Readonly<Record<keyof Queue, true>> = {
  send: true,
  receive: true,
  extend: true,
  complete: true,
  depth: true,
  ping: true,
};

const installer = localInstaller({
  domain: "openshift.test",
  installMs: 0,
  random: { fraction: () => 0, integer: () => 0, bytes: (count) => new Uint8Array(count) },
  clock: new TestClock(),
});

/** The values of labels that the catalogue only tells in words. */
const openValues: Readonly<Record<string, readonly string[]>> = {
  "rp_http_request_duration_seconds operation": [
    ...new Set<string>(Object.values(operationIds).flat()),
    "Subscriptions_Put",
    "Deployments_Preflight",
    "none",
  ],
  "rp_http_request_duration_seconds api_version": [
    ...apiVersions.map(({ name }) => name),
    "2.0",
    "other",
    "none",
  ],
  "rp_step_duration_seconds step": Object.values(installer.phases)
    .flat()
    .flatMap(({ steps }) => steps.map(({ name }) => name)),
  "rp_store_call_duration_seconds method": Object.keys(storeMethods),
  "rp_store_request_units_total method": Object.keys(storeMethods),
  "rp_queue_call_duration_seconds method": Object.keys(queueMethods),
};

interface Told {
  readonly type: string;
  readonly labels: readonly string[];
  /** Of a metric of the catalogue: its name there. */
  readonly base?: string;
}

/** Each series name that a process tells, those of Node.js included, and what Prometheus adds. */
async function toldNames(): Promise<ReadonlyMap<string, Told>> {
  const told = new Map<string, Told>([["up", { type: "gauge", labels: [] }]]);
  for (const [base, { type, labels }] of Object.entries<MetricRow>(metricCatalogue)) {
    const names = Object.keys(labels);
    if (type !== "histogram") {
      told.set(base, { type, labels: names, base });
      continue;
    }
    told.set(`${base}_bucket`, { type: "counter", labels: [...names, "le"], base });
    told.set(`${base}_sum`, { type: "counter", labels: names, base });
    told.set(`${base}_count`, { type: "counter", labels: names, base });
  }
  const text = await new Metrics().text();
  for (const [, name = "", type = ""] of text.matchAll(
    /^# TYPE ((?:process|nodejs)_\w+) (\w+)$/gm,
  )) {
    const series = text.split("\n").filter((line) => line.startsWith(`${name}{`));
    const labels = series.flatMap((line) =>
      [...line.matchAll(/[{,](\w+)="/g)].map(([, label = ""]) => label),
    );
    told.set(name, { type, labels });
  }
  return told;
}

const told = await toldNames();

/** What is wrong with one use of a metric. */
function faultsOf({
  metric,
  matchers,
  isRange,
  functions,
  groupings,
}: Selector): readonly string[] {
  const found = told.get(metric);
  if (found === undefined) return [`${metric} is no metric`];
  const faults: string[] = [];
  const labels = [...found.labels, ...targetLabels];
  for (const { label, operator, value } of matchers) {
    if (!labels.includes(label)) faults.push(`${metric} has no label ${label}`);
    const allowed = valuesOf(found.base, label);
    if (allowed === undefined) continue;
    for (const alternative of operator.includes("~") ? value.split("|") : [value]) {
      if (!allowed.some((each) => new RegExp(`^(?:${alternative})$`).test(each))) {
        faults.push(`${metric}: ${label} is never ${alternative}`);
      }
    }
  }
  for (const label of groupings.flat()) {
    if (!labels.includes(label)) faults.push(`${metric} can't be grouped by ${label}`);
  }
  const isOfCounters = ["rate", "increase", "irate"].includes(functions[0] ?? "");
  if (isOfCounters && found.type !== "counter") faults.push(`${metric} is no counter`);
  if (found.type === "counter" && !isOfCounters) {
    faults.push(`${metric} is a counter, of which only the growth says anything`);
  }
  const isOverTime = ["changes", "avg_over_time"].includes(functions[0] ?? "");
  if (isOfCounters !== isRange && !(isOverTime && isRange))
    faults.push(`${metric}: a range too many or too few`);
  const isBucket = metric.endsWith("_bucket");
  if (functions.includes("histogram_quantile") !== isBucket)
    faults.push(`${metric}: no use for a quantile`);
  if (isBucket && !groupings.flat().includes("le")) faults.push(`${metric} must be grouped by le`);
  return faults;
}

function valuesOf(base: string | undefined, label: string): readonly string[] | undefined {
  if (base === undefined || targetLabels.includes(label)) return undefined;
  const rows: Readonly<Record<string, MetricRow>> = metricCatalogue;
  const values = rows[base]?.labels[label];
  return typeof values === "string" ? openValues[`${base} ${label}`] : values;
}

test.each(expressions)("%s", (_where, expression) => {
  expect(selectorsOf(expression).flatMap(faultsOf)).toEqual([]);
});

test.each(expressions)("%s asks for processes of the job alone", (where, expression) => {
  const operator = where.startsWith("panel ") ? "=~" : "=";
  for (const { matchers } of selectorsOf(expression)) {
    expect(matchers).toContainEqual({ label: "job", operator, value: "openshift-rp" });
  }
});

test("what would be wrong is found", () => {
  const faults = (expression: string): readonly string[] =>
    selectorsOf(expression).flatMap(faultsOf);
  expect(() => selectorsOf("sum(rate(up[5m])")).toThrow(SyntaxError);
  expect(() => selectorsOf("rat(up[5m])")).toThrow(SyntaxError);
  expect(() => selectorsOf("1 + 1")).toThrow(SyntaxError);
  expect(() => selectorsOf('rp_operations{"kind"="create"}')).toThrow(SyntaxError);
  expect(faults("rp_operation > 1")).toEqual(["rp_operation is no metric"]);
  expect(faults('rp_operations{kinds="create"}')).toEqual(["rp_operations has no label kinds"]);
  expect(faults('rp_operations{state=~"Creating|Succeeded"}')).toEqual([
    "rp_operations: state is never Succeeded",
  ]);
  expect(faults('sum(rate(rp_store_call_duration_seconds_count{method="upsert"}[5m]))')).toEqual([
    "rp_store_call_duration_seconds_count: method is never upsert",
  ]);
  expect(faults("sum by (state) (rp_queue_messages)")).toEqual([
    "rp_queue_messages can't be grouped by state",
  ]);
  expect(faults("rate(rp_operations[5m])")).toEqual(["rp_operations is no counter"]);
  expect(faults("sum(rp_claims_total)")).toEqual([
    "rp_claims_total is a counter, of which only the growth says anything",
  ]);
  expect(faults("histogram_quantile(0.5, sum(rate(rp_step_duration_seconds_bucket[5m])))")).toEqual(
    ["rp_step_duration_seconds_bucket must be grouped by le"],
  );
});

/** The labels that are left of an expression's result, by its outermost aggregation; `undefined` when all are. */
function labelsLeft(expression: string): ReadonlySet<string> | undefined {
  const left = selectorsOf(expression).map(({ groupings }) => groupings.at(-1));
  return left.some((labels) => labels === undefined) ? undefined : new Set(left.flat() as string[]);
}

test("names and words of panels and alerts use labels that are there", () => {
  for (const { title, targets } of panels) {
    for (const { expr, legendFormat } of targets) {
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
      const left = labelsLeft(asAsked(expr)) ?? new Set(targetLabels);
      expect([title, named.filter((label) => !left.has(label))]).toEqual([title, []]);
    }
  }
  for (const {
    alert,
    expr,
    annotations: { description, summary },
  } of alerts) {
    const used = [...`${summary} ${description}`.matchAll(/\{\{ ([^}]*) \}\}/g)].map(
      ([, text = ""]) => text,
    );
    const left = labelsLeft(expr) ?? new Set(targetLabels);
    for (const text of used) {
      const label = /^\$labels\.(\w+)$/.exec(text)?.[1];
      const isKnown =
        label === undefined
          ? /^\$value( \| (humanize|humanizeDuration|humanizePercentage))?$/.test(text)
          : left.has(label);
      expect([alert, text, isKnown]).toEqual([alert, text, true]);
    }
  }
});

test("each alert and each panel has a name of its own, and no panel lies on another", () => {
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
  for (const { title, targets } of panels) {
    const refIds = targets.map(({ refId }) => refId);
    expect([title, new Set(refIds).size]).toEqual([title, refIds.length]);
  }
});

test("every metric of ours is seen on the dashboard", () => {
  const seen = new Set(
    panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) =>
        selectorsOf(asAsked(expr)).map(({ metric }) => told.get(metric)?.base),
      ),
    ),
  );
  expect(Object.keys(metricCatalogue).filter((name) => !seen.has(name))).toEqual([]);
  expect(dashboard.templating.list[1].definition).toBe(
    "label_values(rp_log_lines_dropped_total, job)",
  );
});
