/** docs/azure-costs.md says what the table of costs says, and what follows from it for a month. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeSettings, readConfig } from "../../src/config.ts";
import { manifests } from "../deploy/manifests.ts";
import { assumptions, idleCosts, monthOf } from "./azureCosts.ts";
import { sections } from "./azureCostsPage.ts";

const page = readFileSync(new URL("../../docs/azure-costs.md", import.meta.url), "utf8");

test.each(Object.entries(sections))("what the page says of: %s", (name, text) => {
  const [, written] = new RegExp(`<!-- ${name} -->\\n([^]*?)\\n<!-- /${name} -->`).exec(page) ?? [];
  expect(written).toBe(text());
});

test("what is assumed of settings is their default with the Azure engines", () => {
  const { retryAfterSeconds, workers, heartbeatMs } = readConfig({
    COSMOSDB_ENDPOINT: "https://documents.documents.azure.com",
    STORAGE_ACCOUNT: "messages",
    SEALING_KEY_FILE: "/keys",
  });
  expect(retryAfterSeconds).toBe(assumptions.statusSeconds);
  expect(workers).toBe(assumptions.workersOfBackend);
  // of the idle table: a renewal, a purge's look and a sweep's at each, twelve looks for work, one count
  const beatsPerMinute = 60_000 / heartbeatMs;
  const { cosmos } = idleCosts["a forwarder"];
  expect(cosmos["lease write"]).toBe(beatsPerMinute);
  expect(cosmos.query).toBe(12 + 2 * beatsPerMinute + 1);
  const poll = describeSettings().find(({ variable }) => variable === "AZURE_POLL_SECONDS");
  expect(poll?.defaultText).toBe(String(assumptions.pollSeconds));
});

/** What one kind of manifests has, by name. */
function specs<T>(kind: string): Readonly<Record<string, T>> {
  const all = manifests().filter((manifest) => manifest.kind === kind);
  return Object.fromEntries(all.map(({ metadata, ...rest }) => [metadata.name, rest["spec"] as T]));
}

test("what is assumed of Pods and nodes is what they are deployed with", () => {
  const deployments = specs<{
    readonly replicas?: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly resources: { readonly requests: { readonly cpu: string } };
        }[];
      };
    };
  }>("Deployment");
  const asked = Object.entries(deployments).map(([role, { template }]) => [
    role,
    Number(/^(\d+)m$/.exec(template.spec.containers[0]?.resources.requests.cpu ?? "")?.[1]),
  ]);
  expect(Object.fromEntries(asked)).toEqual(assumptions.podMillicores);
  expect(deployments["forwarder"]?.replicas).toBe(assumptions.forwarders);
  const autoscalers = specs<{ readonly minReplicas: number }>("HorizontalPodAutoscaler");
  expect(autoscalers["frontend"]?.minReplicas).toBe(assumptions.frontends);
  const { backend } = specs<{
    readonly triggers: readonly { readonly metadata: { readonly queueLength: string } }[];
  }>("ScaledObject");
  expect(backend?.triggers[0]?.metadata.queueLength).toBe(String(assumptions.workersOfBackend / 2));
  const template = readFileSync(new URL("../../deploy/azure.json", import.meta.url), "utf8");
  // two processors
  expect(/"nodeSize":[^}]*?"defaultValue": "(\w+)"/.exec(template)?.[1]).toBe("Standard_D2as_v5");
  const counts = [...template.matchAll(/"minCount": (\d+)/g)].map(([, count]) => Number(count));
  expect(counts).toEqual([assumptions.leastNodes]);
});

test("docs/scaling.md tells of what is deployed", () => {
  const scaling = readFileSync(new URL("../../docs/scaling.md", import.meta.url), "utf8");
  const template = readFileSync(new URL("../../deploy/azure.json", import.meta.url), "utf8");
  const { parameters } = JSON.parse(template) as {
    readonly parameters: Readonly<Record<string, { readonly defaultValue?: unknown }>>;
  };
  const most = Number(parameters["cosmosMaxThroughput"]?.defaultValue).toLocaleString("en-US");
  expect(scaling).toContain(`\`cosmosMaxThroughput\` is ${most} |`);
  expect(scaling).toContain(
    `\`nodeCountMax\` is ${String(parameters["nodeCountMax"]?.defaultValue)}.`,
  );
  const { backend } = specs<{ readonly maxReplicaCount: number }>("ScaledObject");
  const backends = Number(backend?.maxReplicaCount);
  expect(scaling).toContain(`\`maxReplicaCount: ${backends}\``);
  // the last one comes with the first operation that the others have no share of
  const { workersOfBackend, podMillicores: asked, frontends, forwarders } = assumptions;
  expect(scaling).toContain(
    `| ${backends}, reached at ${(backends - 1) * (workersOfBackend / 2) + 1} |`,
  );
  const millicores =
    backends * asked.backend + frontends * asked.frontend + forwarders * asked.forwarder;
  expect(scaling).toContain(`ask for ${millicores / 1_000} processors`);
});

test("more clusters never cost less, and nothing but clusters makes them cost more", () => {
  const months = [0, 10, 1_000, 100_000, 1_000_000].map(monthOf);
  for (const [index, month] of months.entries()) {
    const before = months[index - 1];
    if (before === undefined) continue;
    expect(month.unitsPerSecond).toBeGreaterThan(before.unitsPerSecond);
    expect(month.cosmosDollars).toBeGreaterThanOrEqual(before.cosmosDollars);
    expect(month.queueDollars).toBeGreaterThan(before.queueDollars);
    expect(month.leastNodes).toBeGreaterThanOrEqual(before.leastNodes);
  }
  expect(months[0]?.leastNodes).toBe(2);
  // 4,110 operations under way at the highest: 83 backends of a quarter of a processor, and 0.7 for the others
  expect(months[4]?.leastNodes).toBe(Math.ceil((83 * 0.25 + 0.7) / 1.9));
  // idle: what the table of idle processes has, and the looks of a forwarder that has no rest
  const [idle] = months;
  const { busyQueriesPerMinute: busy } = assumptions;
  expect(idle?.unitsPerSecond).toBeCloseTo(
    (busy * 5 + 9.9 + 6 * 9.9 + 12 * 2 + (2 * 6 + 3 * 2) * 4.95) / 60,
  );
});
