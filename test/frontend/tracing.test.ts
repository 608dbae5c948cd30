/** The span of a request: where it stands, what it is called, what counts as a failure; and the ids in the lines of the log. */
import { connect } from "node:net";
import { expect, test } from "vitest";
import { unknownCaller, type Authenticator } from "../../src/listener/authenticator.ts";
import type { LogFields } from "../../src/runtime/log.ts";
import { StoreUnavailableError, type Store } from "../../src/store/store.ts";
import { RecordedTraces } from "../runtime/recordedTraces.ts";
import { notingLog } from "./notingLog.ts";
import { clusterPath, smallestBody, StartedRp } from "./startedRp.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test("a request stands below its caller's span, and what it asks of the store below it", async () => {
  const traces = new RecordedTraces();
  await using rp = await StartedRp.start({ traces });
  const answer = await rp.put(clusterPath("c"), smallestBody, {
    headers: { traceparent: `00-${traceId}-${spanId}-01` },
  });
  const [put] = traces.spans;
  expect(put).toMatchObject({
    kind: "server",
    parentId: spanId,
    context: { traceId },
    endings: 1,
    failure: undefined,
    attributes: {
      "http.response.status_code": 201,
      "rp.request.id": answer.headers.get("x-ms-request-id"),
      "rp.operation.kind": "create",
    },
  });
  expect(put?.name).toMatch(/^PUT \/subscriptions\/\{subscriptionId\}\/.*\/\{resourceName\}$/);
  expect(put === undefined ? [] : traces.below(put)).toEqual(["read", "read", "commit"]);
  const stored = await rp.store.read("cluster", {
    partition: "00000000-0000-4000-8000-000000000001",
    id: "group|c",
  });
  expect(stored?.document.operation.trace?.traceparent).toBe(
    `00-${traceId}-${put?.context.spanId}-01`,
  );
});

test.each([
  ["malformed", "00-xyz"],
  ["of zeros", `00-${"0".repeat(32)}-${spanId}-01`],
  ["huge", `01-${traceId}-${spanId}-01-${"x".repeat(15_000)}`],
])("a traceparent that is %s is as good as none", async (_, traceparent) => {
  const lines: LogFields[] = [];
  await using rp = await StartedRp.start({ log: notingLog(lines) });
  const answer = await rp.get(clusterPath("none"), { headers: { traceparent } });
  const requestId = answer.headers.get("x-ms-request-id") ?? "";
  expect(answer.status).toBe(404);
  expect(lines).toEqual([
    expect.objectContaining({ requestId, traceId: requestId.replaceAll("-", "") }),
  ]);
});

test("what the caller did wrong is no failure, what went wrong here is", async () => {
  const traces = new RecordedTraces();
  let isDown = false;
  const store = (plain: Store): Store =>
    new Proxy(plain, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return isDown && name === "read"
          ? async () => Promise.reject(new StoreUnavailableError("down: hunter2"))
          : (value.bind(target) as unknown);
      },
    });
  await using rp = await StartedRp.start({ traces, store });
  await rp.get(clusterPath("none"));
  isDown = true;
  await rp.get(clusterPath("none"));
  const [absent, down] = traces.spans.filter(({ kind }) => kind === "server");
  expect(absent).toMatchObject({
    failure: undefined,
    attributes: { "http.response.status_code": 404, "rp.error.code": "ResourceNotFound" },
  });
  expect(down).toMatchObject({
    failure: "ServiceUnavailable",
    attributes: { "http.response.status_code": 503 },
  });
  expect(traces.named("read").at(-1)?.failure).toBe("StoreUnavailableError");
  expect(JSON.stringify(traces.spans)).not.toContain("hunter2");
});

test("probes leave no span", async () => {
  const traces = new RecordedTraces();
  await using rp = await StartedRp.start({ traces });
  expect((await fetch(`${rp.url}/healthz/live`)).status).toBe(200);
  expect(traces.spans).toEqual([]);
});

test("who is not let in is not recorded, whatever its traceparent asks for; its line has the ids", async () => {
  const traces = new RecordedTraces();
  const lines: LogFields[] = [];
  const authenticator: Authenticator = { judge: () => unknownCaller("a test") };
  await using rp = await StartedRp.start({ traces, log: notingLog(lines), authenticator });
  const headers = { traceparent: `00-${traceId}-${spanId}-01` };
  const answers = [
    await rp.put(clusterPath("c"), smallestBody, { headers }),
    await rp.get(clusterPath("c")),
  ];
  expect(answers.map(({ status }) => status)).toEqual([403, 403]);
  expect(traces.spans).toEqual([]);
  const ids = answers.map((answer) => answer.headers.get("x-ms-request-id") ?? "");
  expect(lines).toEqual([
    expect.objectContaining({ status: 403, requestId: ids[0], traceId }),
    expect.objectContaining({ requestId: ids[1], traceId: ids[1]?.replaceAll("-", "") }),
  ]);
});

test("what the HTTP parser refuses has ids too", async () => {
  const lines: LogFields[] = [];
  await using rp = await StartedRp.start({ log: notingLog(lines) });
  const socket = connect(Number(new URL(rp.url).port), "127.0.0.1");
  socket.end("no HTTP\r\n\r\n");
  await new Promise((resolve) => socket.resume().once("close", resolve));
  const requestId = lines[0]?.["requestId"];
  expect(lines).toEqual([
    expect.objectContaining({
      requestId,
      correlationId: requestId,
      traceId: String(requestId).replaceAll("-", ""),
    }),
  ]);
});
