/** Whatever callers send, the series of a process are those of its contract; and what a DELETE cuts short is counted. */
import { request as httpRequest } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { operationIds } from "../../generated/types/operationIds.ts";
import { Metrics } from "../../src/runtime/metrics.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import { clusterPath, smallestBody, StartedRp, subscriptionId } from "./startedRp.ts";

const versions = apiVersions.map(({ name }) => name);
/** Of any api-version, and of ARM itself. */
const contractOperations: readonly string[] = [
  ...new Set(Object.values(operationIds).flat()),
  "Subscriptions_Put",
  "Deployments_Preflight",
];

/** Each label's values. */
async function labelsOf(metrics: Metrics): Promise<Readonly<Record<string, readonly string[]>>> {
  const found: Record<string, Set<string>> = {};
  const lines = (await metrics.text()).split("\n");
  for (const line of lines.filter((each) => each.startsWith("rp_http_request_duration_seconds"))) {
    for (const [, label = "", value = ""] of line.matchAll(/[{,](\w+)="([^"]*)"/g)) {
      (found[label] ??= new Set()).add(value);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([label, values]) => [label, [...values]]));
}

/** As raw as a client of Node sends anything. */
async function send(
  url: string,
  options: {
    readonly method: string;
    readonly path: string;
    readonly headers: Record<string, string>;
  },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const sent = httpRequest(url, options, (response) => response.resume().once("close", resolve));
  sent.once("error", () => resolve());
  sent.end();
  await promise;
}

test("hostile requests add no series", async () => {
  const metrics = new Metrics({ apiVersions: versions });
  await using rp = await StartedRp.start({ metrics });
  const word = fc.stringMatching(/^[A-Za-z0-9._~%-]{1,20}$/);
  const version = fc.oneof(
    word,
    fc.mixedCase(fc.constantFrom(...versions)),
    fc.stringMatching(/^20[0-9]{2}-0[1-9]-[0-2][1-8](-preview)?$/),
    fc.constantFrom("2.0", "", "__proto__"),
  );
  const preflight =
    `/subscriptions/${subscriptionId}/resourceGroups/g/providers/RedHat.OpenShift` +
    "/deployments/d/preflight";
  const path = fc.oneof(
    word.map((text) => `/${text}`),
    fc.constantFrom(
      clusterPath("c"),
      `${clusterPath("c")}/listCredentials`,
      `/subscriptions/${subscriptionId}`,
      preflight,
      "/providers/RedHat.OpenShift/operations",
    ),
    word.map((name) => clusterPath(name)),
    word.map((text) => `/subscriptions/${text}/resourceGroups/${text}`),
  );
  const hostile = fc.record({
    method: fc.constantFrom(
      "GET",
      "PUT",
      "PATCH",
      "DELETE",
      "POST",
      "HEAD",
      "OPTIONS",
      "PROPFIND",
      "M-SEARCH",
    ),
    path: fc.tuple(path, version).map(([before, asked]) => `${before}?api-version=${asked}`),
    headers: fc.record({
      "x-ms-client-request-id": word,
      "x-ms-correlation-request-id": word,
      "content-type": fc.constantFrom("application/json", "text/plain"),
    }),
  });
  const requests = fc.sample(hostile, { numRuns: 600, seed: 7 });
  for (let at = 0; at < requests.length; at += 20) {
    await Promise.all(requests.slice(at, at + 20).map(async (each) => send(rp.url, each)));
  }
  const labels = await labelsOf(metrics);
  const known: Readonly<Record<string, readonly string[]>> = {
    operation: [...contractOperations, "none"],
    api_version: [...versions, "2.0", "other", "none"],
    status_class: ["2xx", "3xx", "4xx", "5xx", "none"],
  };
  for (const [label, allowed] of Object.entries(known)) {
    expect([label, labels[label]?.filter((value) => !allowed.includes(value))]).toEqual([
      label,
      [],
    ]);
  }
  // the test has met what it is about: ARM's own routes take any version
  expect(labels["operation"]).toContain("Deployments_Preflight");
  expect(labels["api_version"]).toEqual(expect.arrayContaining(["other", ...versions]));
  const inFlight = /^rp_http_requests_in_flight (\d+)$/m.exec(await metrics.text())?.[1];
  expect(inFlight).toBe("0");
});

test("an api-version that isn't served is told as another one, and only a missing one as none", async () => {
  const metrics = new Metrics({ apiVersions: versions });
  await using rp = await StartedRp.start({ metrics });
  const asked = async (path: string): Promise<readonly string[] | undefined> => {
    await send(rp.url, { method: "GET", path, headers: {} });
    return (await labelsOf(metrics))["api_version"];
  };
  const path = clusterPath("c");
  expect(await asked(path)).toEqual(["none"]);
  expect(await asked(`${path}?api-version=1999-01-01`)).toEqual(["none", "other"]);
  const [version = ""] = versions;
  // no such route in it
  expect(await asked(`/providers/Nobody/x?api-version=${version}`)).toEqual([
    "none",
    "other",
    version,
  ]);
});

test("an operation that a DELETE cuts short is counted as canceled, once", async () => {
  const metrics = new Metrics({ apiVersions: versions });
  await using rp = await StartedRp.start({ metrics });
  expect((await rp.put(clusterPath("c"), smallestBody)).status).toBe(201);
  expect((await rp.delete(clusterPath("c"))).status).toBe(202);
  expect((await rp.delete(clusterPath("c"))).status).toBe(202);
  const lines = (await metrics.text()).split("\n");
  const counted = lines.filter((line) => /^rp_operations_ended_total\{.* [1-9]/.test(line));
  expect(counted).toEqual([
    'rp_operations_ended_total{kind="create",outcome="canceled",code="OperationCanceled"} 1',
  ]);
});
