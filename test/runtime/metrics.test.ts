/** The metrics are those of the catalogue and of the page, and no label of them can be chosen by a caller or a document. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Activity } from "../../src/model/document.ts";
import {
  metricCatalogue,
  metricsTable,
  type MetricRow,
} from "../../src/runtime/metricCatalogue.ts";
import { Metrics } from "../../src/runtime/metrics.ts";

const catalogue: Readonly<Record<string, MetricRow>> = metricCatalogue;
const versions = ["2019-12-31-preview", "2020-04-30"];

/** One of which everything was told once. */
function toldMetrics(): Metrics {
  const metrics = new Metrics({ apiVersions: versions });
  const activity: Activity = {
    running: [{ kind: "create", state: "Creating", count: 2 }],
    total: 2,
    isAtLeast: false,
    oldestStartedAt: 1_000,
    queuedMessages: 3,
  };
  metrics.received();
  metrics.answered({ operation: "o", apiVersion: versions[0], status: 200, durationMs: 1 });
  metrics.refused();
  metrics.operationsLimit(10);
  metrics.stepEnded({ operationKind: "create", step: "s", outcome: "done", durationMs: 1 });
  metrics.operationEnded({ kind: "create", outcome: "succeeded" });
  metrics.claimed({ attempts: 1 });
  metrics.claimLost("lease");
  metrics.storeCalled({ method: "read", outcome: "ok", durationMs: 1 });
  metrics.queueCalled({ method: "send", outcome: "ok", durationMs: 1 });
  metrics.charged({ operation: "read", requestUnits: 1 });
  metrics.retried({ service: "cosmos", reason: "putOff" });
  metrics.messagesSent(1);
  metrics.flagged(1);
  metrics.workers(1, () => 1);
  metrics.forwarder(
    () => ({ holdsLease: true, activity }),
    () => 61_000,
  );
  metrics.logLinesDropped(() => 2);
  metrics.sealingKeys(() => 1);
  return metrics;
}

/** Each series as its name and labels. */
async function seriesOf(metrics: Metrics): Promise<ReadonlyMap<string, string>> {
  const lines = (await metrics.text()).split("\n").filter((line) => line.startsWith("rp_"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      line.slice(line.lastIndexOf(" ") + 1),
    ]),
  );
}

test("docs/metrics.md has the table of the catalogue", () => {
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  expect(/<!-- metrics -->\n(.*)\n<!-- \/metrics -->/s.exec(page)?.[1]).toBe(metricsTable());
});

test("what is told is what the catalogue says, by name, type, help and labels", async () => {
  const text = await toldMetrics().text();
  const told = Object.fromEntries(
    [...text.matchAll(/^# TYPE (rp_\w+) (\w+)$/gm)].map(([, name = "", type]) => [name, type]),
  );
  expect(told).toEqual(
    Object.fromEntries(Object.entries(catalogue).map(([name, { type }]) => [name, type])),
  );
  for (const [name, { help, labels }] of Object.entries(catalogue)) {
    expect(text).toContain(`# HELP ${name} ${help}\n`);
    const series = text
      .split("\n")
      .filter((line) => new RegExp(`^${name}(_count)?[ {]`).test(line));
    expect([name, series.length]).not.toEqual([name, 0]);
    for (const line of series) {
      const names = [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label);
      expect([name, new Set(names)]).toEqual([name, new Set(Object.keys(labels))]);
    }
  }
});

test("names follow the conventions of Prometheus", () => {
  for (const [name, { type, help, labels, buckets }] of Object.entries(catalogue)) {
    expect(name).toMatch(/^rp_[a-z_]+$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
    expect([name, buckets !== undefined]).toEqual([name, type === "histogram"]);
    expect(buckets ?? []).toEqual([...(buckets ?? [])].toSorted((one, other) => one - other));
    expect(help).toMatch(/^[^\n]+\.$/);
    for (const label of Object.keys(labels)) expect(label).toMatch(/^[a-z][a-z_]*$/);
  }
});

test("whatever a caller or a document says adds no series", async () => {
  const metrics = toldMetrics();
  const activity = { current: [] as Activity["running"] };
  const others = new Metrics({ apiVersions: versions });
  others.forwarder(
    () => ({
      holdsLease: true,
      activity: { running: activity.current, total: 1, isAtLeast: false },
    }),
    () => 0,
  );
  const anything = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "2020-04-30",
      "2020-04-30-PREVIEW",
      "2.0",
      "create",
    ),
    fc.mixedCase(fc.constant("2019-12-31-preview")),
  );
  fc.assert(
    fc.property(
      anything,
      anything,
      fc.constantFrom(0, 200, 201, 204, 304, 404, 431, 500, 503),
      (one, other, status) => {
        metrics.received();
        metrics.answered({ operation: "o", apiVersion: one, status, durationMs: 1 });
        metrics.operationEnded({ kind: one, outcome: "failed", code: other });
        metrics.stepEnded({ operationKind: one, step: "s", outcome: "done", durationMs: 1 });
        metrics.storeCalled({ method: "read", outcome: other, durationMs: 1 });
        activity.current = [...activity.current, { kind: one, state: other, count: 1 }];
      },
    ),
    { numRuns: 2_000 },
  );
  const labels = async (of: Metrics): Promise<Readonly<Record<string, ReadonlySet<string>>>> => {
    const found: Record<string, Set<string>> = {};
    for (const name of (await seriesOf(of)).keys()) {
      for (const [, label = "", value = ""] of name.matchAll(/[{,](\w+)="([^"]*)"/g)) {
        const metric = name.replace(/(_bucket|_sum|_count)?\{.*/s, "");
        if (label !== "le") (found[`${metric} ${label}`] ??= new Set()).add(value);
      }
    }
    return found;
  };
  const found = await labels(metrics);
  const allowed = [...versions, "2.0", "other", "none"];
  expect(
    [...(found["rp_http_request_duration_seconds api_version"] ?? [])].filter(
      (v) => !allowed.includes(v),
    ),
  ).toEqual([]);
  for (const [key, values] of Object.entries({ ...found, ...(await labels(others)) })) {
    const [metric = "", label = ""] = key.split(" ");
    const inWords = { operation: ["o"], step: ["s"], method: ["read", "send"] }[label];
    const isInWords = typeof catalogue[metric]?.labels[label] === "string";
    // what the program itself gave, as these come from no caller and no document; the versions are looked at above
    const closed = isInWords ? (inWords ?? allowed) : catalogue[metric]?.labels[label];
    expect([key, [...values].filter((value) => !closed?.includes(value))]).toEqual([key, []]);
  }
});

test("what alerts wait for is there before it happens, so that its growth is seen", async () => {
  const series = await seriesOf(new Metrics());
  const failed =
    'rp_operations_ended_total{kind="create",outcome="failed",code="InstallationFailed"}';
  expect(series.get(failed)).toBe("0");
  for (const name of ["rp_operations_refused_total", "rp_sweep_flagged_total"]) {
    expect(series.get(name)).toBe("0");
  }
});

test("a request's way is seen while it goes on", async () => {
  const metrics = new Metrics();
  const inFlight = async (): Promise<string | undefined> =>
    (await seriesOf(metrics)).get("rp_http_requests_in_flight");
  metrics.received();
  metrics.received();
  expect(await inFlight()).toBe("2");
  metrics.answered({ status: 0, durationMs: 1 });
  metrics.answered({ status: 200, durationMs: 1 });
  expect(await inFlight()).toBe("0");
});

test("the fleet is told of by whoever holds the lease, and by nobody else", async () => {
  const metrics = new Metrics();
  let activity: Activity | undefined;
  let holdsLease = false;
  metrics.forwarder(
    () => ({ holdsLease, activity }),
    () => 100_000,
  );
  const told = async () => {
    const series = await seriesOf(metrics);
    return [...series].filter(([name]) =>
      /^rp_(operations(?!_)|oldest|queue_messages|forwarder)/.test(name),
    );
  };
  expect(await told()).toEqual([["rp_forwarder_lease_held", "0"]]);
  holdsLease = true;
  expect(await told()).toEqual([["rp_forwarder_lease_held", "1"]]);
  activity = {
    running: [
      { kind: "create", state: "Creating", count: 2 },
      { kind: "migrate", state: "Migrating", count: 3 },
      { kind: "mend", state: "Mending", count: 4 },
    ],
    total: 9,
    isAtLeast: false,
    oldestStartedAt: 40_000,
    queuedMessages: 5,
  };
  expect(await told()).toEqual([
    ["rp_forwarder_lease_held", "1"],
    ['rp_operations{kind="create",state="Creating"}', "2"],
    ['rp_operations{kind="update",state="Updating"}', "0"],
    ['rp_operations{kind="delete",state="Deleting"}', "0"],
    ['rp_operations{kind="other",state="other"}', "7"],
    ["rp_oldest_operation_age_seconds", "60"],
    ["rp_queue_messages", "5"],
  ]);
  // what has ended is told no more, nor what the queue doesn't say; a clock behind tells of no negative age
  activity = { running: [], total: 0, isAtLeast: false };
  expect(await told()).toEqual([
    ["rp_forwarder_lease_held", "1"],
    ['rp_operations{kind="create",state="Creating"}', "0"],
    ['rp_operations{kind="update",state="Updating"}', "0"],
    ['rp_operations{kind="delete",state="Deleting"}', "0"],
    ["rp_oldest_operation_age_seconds", "0"],
  ]);
  activity = { running: [], total: 0, isAtLeast: false, oldestStartedAt: 200_000 };
  expect((await seriesOf(metrics)).get("rp_oldest_operation_age_seconds")).toBe("0");
  holdsLease = false;
  activity = undefined;
  expect(await told()).toEqual([["rp_forwarder_lease_held", "0"]]);
});

test("dropped lines are counted from what the log says, look by look", async () => {
  const metrics = new Metrics();
  let dropped = 0;
  metrics.logLinesDropped(() => dropped);
  const told = async () => (await seriesOf(metrics)).get("rp_log_lines_dropped_total");
  expect(await told()).toBe("0");
  dropped = 5;
  expect(await told()).toBe("5");
  expect(await told()).toBe("5");
  dropped = 7;
  expect(await told()).toBe("7");
});
