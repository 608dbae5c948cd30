/**
 * Traces of the real program, as a collector gets them: from the request over the queue to each step and each call of the store;
 * and what ties the lines of the log together, with a collector and without.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TraceCollector, type CollectedSpan } from "../runtime/traceCollector.ts";
import { askForCluster, clusterBody, clusterUrl, untilState } from "./clusterCalls.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const callerSpanId = "b7ad6b7169203331";
const correlationId = "5c3e9d0a-6f51-4a0e-9a57-2f6f3a3c9d10";
const token = "Bearer token-of-the-collector";

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function putTraced(rp: RpProcess, name: string): Promise<Response> {
  return fetch(clusterUrl(rp, name), {
    method: "PUT",
    headers: {
      "Content-Type": "application/json",
      "x-ms-correlation-request-id": correlationId,
      traceparent: `00-${traceId}-${callerSpanId}-01`,
      tracestate: "arm=1",
    },
    body: clusterBody,
  });
}

/** The names of a span and of all above it. */
function wayUp(span: CollectedSpan, spans: readonly CollectedSpan[]): readonly string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentId);
  return [span.name, ...(parent === undefined ? [] : wayUp(parent, spans))];
}

test("two processes make one trace of a create, and every line of their logs about it says so", async () => {
  using folder = temporaryFolder();
  await using collector = await TraceCollector.start();
  const settings = {
    DATA_DIR: folder.path,
    LOCAL_INSTALL_SECONDS: "0",
    LOG_LEVEL: "debug",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(token)}`,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    // none of our settings: nothing else may read the environment
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-unread=1",
  };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  await using work = await RpProcess.start({ ...settings, ROLES: "forwarder,backend" });
  const response = await putTraced(web, "c");
  expect(response.status).toBe(201);
  const requestId = response.headers.get("x-ms-request-id");
  const { cluster } = await untilState(web, "c", "Succeeded");
  for (const process of [web, work]) {
    process.kill("SIGTERM");
    expect((await process.exit()).code).toBe(0);
  }

  const spans = collector.spans.filter((span) => span.traceId === traceId);
  const named = (name: RegExp): readonly CollectedSpan[] =>
    spans.filter((span) => name.test(span.name));
  // connected: above all of them is the caller's
  const ids = new Set([callerSpanId, ...spans.map(({ spanId }) => spanId)]);
  expect(spans.filter(({ parentId }) => !ids.has(parentId))).toEqual([]);
  const [put] = named(/^PUT /);
  expect(put).toMatchObject({
    kind: "server",
    parentId: callerSpanId,
    traceState: "arm=1",
    isFailed: false,
    resource: {
      "service.name": "openshift-resource-provider",
      "deployment.environment.name": "test",
    },
    attributes: {
      "http.request.method": "PUT",
      "http.response.status_code": 201,
      "rp.request.id": requestId,
      "rp.correlation.id": correlationId,
    },
  });
  expect(put?.attributes["http.route"]).toMatch(/\/OpenShiftClusters\/\{resourceName\}$/);
  expect(Number(put?.endNs)).toBeGreaterThanOrEqual(Number(put?.startNs));

  const steps = named(/^step /);
  expect(steps).toHaveLength(12);
  const inSteps = named(/^commit$/).filter(({ parentId }) =>
    steps.some(({ spanId }) => spanId === parentId),
  );
  expect(inSteps.length).toBeGreaterThanOrEqual(steps.length);
  const [commit] = inSteps;
  const above = commit === undefined ? [] : wayUp(commit, spans);
  const [, step, ...rest] = above;
  expect(step).toMatch(/^step /);
  expect(rest).toEqual(["process messages", "send messages", "forward", put?.name]);
  const roles = new Set(spans.map(({ resource }) => resource["service.instance.id"]));
  expect(roles.size).toBe(2);
  for (const [name, kind] of [
    [/^read$/, "client"],
    [/^acquireLease$/, "client"],
    [/^updateScheduling$/, "client"],
    [/^send messages$/, "producer"],
    [/^process messages$/, "consumer"],
    [/^complete messages$/, "client"],
  ] as const) {
    expect(named(name)[0]?.kind, String(name)).toBe(kind);
  }

  const operationId = put?.attributes["rp.operation.id"];
  expect(operationId).toMatch(guid);
  const lines = [...web.log, ...work.log].filter((line) => {
    const { documentId, resourceId, operationId: id, messageId, status, path } = line;
    const isOfPut = status === 201 && path !== undefined;
    return [documentId, resourceId, id, messageId].some((value) => value !== undefined) || isOfPut;
  });
  // the request, queued, claimed, twelve steps, the end, the message
  expect(lines.length).toBeGreaterThanOrEqual(1 + 1 + 1 + 12 + 1 + 1);
  for (const line of lines) {
    expect(line).toMatchObject({ correlationId, requestId, traceId, operationId });
  }
  // and what is about any other request says which
  for (const line of web.log.filter(({ method }) => method !== undefined)) {
    expect(line["requestId"]).toMatch(guid);
    expect(line["correlationId"]).toBeTruthy();
    expect(line["traceId"]).toMatch(/^[0-9a-f]{32}$/);
  }

  const { headers, path } = collector.requests[0] ?? {};
  expect(path).toBe("/v1/traces");
  expect(headers).toMatchObject({
    authorization: token,
    "content-type": "application/x-protobuf",
  });
  expect(headers).not.toHaveProperty("x-unread");
  // neither secret has left to where it doesn't belong
  const { properties } = JSON.parse(clusterBody) as { properties: { pullSecret: string } };
  const sent = Buffer.concat(collector.requests.map(({ body }) => body)).toString("latin1");
  const secret = Buffer.from(properties.pullSecret, "base64").toString().trim();
  expect(sent).toContain(traceIdBytes());
  for (const text of [properties.pullSecret, secret, "auths", "token-of-the-collector"]) {
    expect(sent).not.toContain(text);
    expect(JSON.stringify([web.log, work.log])).not.toContain(text);
  }
  expect(cluster).toBeDefined();
});

function traceIdBytes(): string {
  return Buffer.from(traceId, "hex").toString("latin1");
}

test("without a collector nothing of the library is loaded, and the log still ties all together", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "modules");
  const hook = new URL("processes/noteModules.ts", import.meta.url);
  hook.searchParams.set("into", file);
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    LOCAL_INSTALL_SECONDS: "0",
    NODE_OPTIONS: `--import=${hook.href}`,
    // without an endpoint they mean nothing
    OTEL_TRACES_SAMPLER: "always_on",
  });
  const traced = await putTraced(rp, "traced");
  const plain = await askForCluster(rp, "plain");
  const plainId = plain.headers.get("x-ms-request-id") ?? "";
  for (const name of ["traced", "plain"]) await untilState(rp, name, "Succeeded");
  const steps = () => rp.log.filter(({ step }) => step !== undefined);
  // the log comes by another way than the answers
  await expect.poll(() => steps().length).toBe(2 * 12);
  const of = (id: string | null) => steps().filter(({ requestId }) => requestId === id);
  expect(of(traced.headers.get("x-ms-request-id")).map((line) => line["traceId"])).toEqual(
    Array.from({ length: 12 }, () => traceId),
  );
  expect(of(plainId).map((line) => line["traceId"])).toEqual(
    Array.from({ length: 12 }, () => plainId.replaceAll("-", "")),
  );
  const modules = readFileSync(file, "utf8");
  expect(modules).toContain("/src/runtime/traces.ts\n");
  expect(modules).not.toContain("/src/runtime/otlpTraces.ts\n");
  const packages = modules.matchAll(/\/node_modules\/(@opentelemetry\/[\w-]+)\//g);
  // the library of the metrics brings the interface, without anything behind it
  expect([...new Set(Array.from(packages, ([, name]) => name))]).toEqual(["@opentelemetry/api"]);
});

test("a collector that hangs costs neither a request, nor a step, nor more than the limit at the end", async () => {
  using folder = temporaryFolder();
  await using collector = await TraceCollector.start();
  collector.answer = () => {
    // it never does
  };
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    LOCAL_INSTALL_SECONDS: "0",
    SHUTDOWN_SECONDS: "120",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/odd/path`,
  });
  expect((await askForCluster(rp, "c")).status).toBe(201);
  await untilState(rp, "c", "Succeeded");
  await expect.poll(() => collector.requests.at(0)?.path).toBe("/odd/path");
  const stoppedAt = performance.now();
  rp.kill("SIGTERM");
  expect((await rp.exit()).code).toBe(0);
  // 2 s for the collector, out of the two minutes of a stop; the rest is what a busy machine adds
  expect(performance.now() - stoppedAt).toBeLessThan(30_000);
  expect(rp.log.map(({ message }) => message)).toContain(
    "the last traces were not exported in time",
  );
  expect(rp.log.at(-1)).toMatchObject({ message: "stopped" });
});
