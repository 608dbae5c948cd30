/** docs/azure-costs.md says what the table of costs says, and what follows from it for a month. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeSettings, readConfig } from "../../src/config.ts";
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

test("more clusters never cost less, and nothing but clusters makes them cost more", () => {
  const months = [0, 10, 1_000, 100_000, 1_000_000].map(monthOf);
  for (const [index, month] of months.entries()) {
    const before = months[index - 1];
    if (before === undefined) continue;
    expect(month.unitsPerSecond).toBeGreaterThan(before.unitsPerSecond);
    expect(month.cosmosDollars).toBeGreaterThanOrEqual(before.cosmosDollars);
    expect(month.queueDollars).toBeGreaterThan(before.queueDollars);
  }
  // idle: what the table of idle processes has, and the looks of a forwarder that has no rest
  const [idle] = months;
  const { busyQueriesPerMinute: busy } = assumptions;
  expect(idle?.unitsPerSecond).toBeCloseTo(
    (busy * 5 + 9.9 + 6 * 9.9 + 12 * 2 + (2 * 6 + 3 * 2) * 4.95) / 60,
  );
});
