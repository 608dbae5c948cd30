/** The export of traces to a collector on a real socket: what is sent, what is recorded at all, and what becomes of it when the collector fails. */
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { Clock } from "../../src/runtime/clock.ts";
import { systemIds, systemRandom } from "../../src/runtime/ids.ts";
import { silentLog, type LogFields } from "../../src/runtime/log.ts";
import { OtlpTraces } from "../../src/runtime/otlpTraces.ts";
import { failureType, type Span, type SpanStart } from "../../src/runtime/traces.ts";
import type { TraceSettings } from "../../src/runtime/traceSettings.ts";
import { nobodysPort } from "../process/nobodysPort.ts";
import { TestClock } from "./testClock.ts";
import { TraceCollector } from "./traceCollector.ts";

const parent = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  isSampled: true,
};
const below: SpanStart = { kind: "internal", parent };

interface Line {
  readonly fields: LogFields;
  readonly message: string;
}

/** On a clock that stands still unless the test turns it: nothing is given up because this machine is busy. */
function open(
  url: string,
  settings: Partial<TraceSettings> = {},
  effects: { readonly clock?: Clock; readonly fetch?: typeof fetch } = {},
) {
  const warnings: Line[] = [];
  const traces = new OtlpTraces({
    settings: {
      url,
      headers: () => ({}),
      timeoutMs: 600_000,
      serviceName: "rp",
      resourceAttributes: {},
      sampler: "parentbased_always_on",
      samplerRatio: 1,
      ...settings,
    },
    version: "1",
    random: systemRandom,
    clock: effects.clock ?? new TestClock(),
    fetch: effects.fetch ?? fetch,
    log: { ...silentLog, warn: (fields, message) => warnings.push({ fields, message }) },
  });
  return { traces, warnings };
}

test("a span arrives with what was said of it, and of a failure only its kind", async () => {
  await using collector = await TraceCollector.start();
  const { traces } = open(collector.url, { resourceAttributes: { "service.name": "not this" } });
  const span = traces.start("first", {
    ...below,
    kind: "client",
    parent: { ...parent, traceState: "arm=1,b=2" },
    attributes: { text: "t", whole: 7, truth: true, absent: undefined },
  });
  span.rename("named later");
  span.describe({ more: "m", absent: undefined });
  span.end(new TypeError("the pull secret is hunter2"));
  expect(span.isRecording).toBe(true);
  expect(span.context).toMatchObject({ traceId: parent.traceId, isSampled: true });
  await traces.stop(5_000);
  expect(collector.spans).toEqual([
    expect.objectContaining({
      name: "named later",
      kind: "client",
      traceId: parent.traceId,
      spanId: span.context.spanId,
      parentId: parent.spanId,
      traceState: "arm=1,b=2",
      attributes: { text: "t", whole: 7, truth: true, more: "m", "error.type": "TypeError" },
      isFailed: true,
      statusMessage: "",
      resource: expect.objectContaining({ "service.name": "rp", "service.version": "1" }) as object,
    }),
  ]);
  expect(collector.requests[0]?.body.toString("latin1")).not.toContain("hunter2");
});

test("a trace that begins here has the id of the request", async () => {
  await using collector = await TraceCollector.start();
  const { traces } = open(collector.url);
  const guid = systemIds.guid();
  const root = traces.start("root", { kind: "server", parent: undefined, guid });
  const child = traces.start("child", { kind: "internal", parent: root.context });
  child.end();
  root.end();
  // an id from a damaged document
  traces.start("odd", { kind: "internal", parent: undefined, guid: "no GUID" }).end();
  await traces.stop(5_000);
  const [second, first, odd] = collector.spans;
  expect(first).toMatchObject({ traceId: guid.replaceAll("-", ""), parentId: "" });
  expect(second).toMatchObject({ traceId: first?.traceId, parentId: first?.spanId });
  expect(odd?.traceId).toMatch(/^[0-9a-f]{32}$/);
});

/** How many of 400 new traces, and whether those of a caller who records his or doesn't, are recorded. */
function recorded(start: (place: SpanStart) => Span) {
  const count = (place: () => SpanStart): number => {
    let sum = 0;
    for (let index = 0; index < 400; index += 1) {
      const span = start(place());
      if (span.isRecording !== span.context.isSampled) throw new Error("they say different things");
      if (span.isRecording) sum += 1;
    }
    return sum;
  };
  const fresh = (): SpanStart => ({
    kind: "server",
    parent: undefined,
    guid: systemIds.guid(),
  });
  const { traceId: _, ...rest } = parent;
  const called = (isSampled: boolean) => (): SpanStart => ({
    kind: "server",
    parent: { ...rest, traceId: systemIds.guid().replaceAll("-", ""), isSampled },
  });
  return {
    new: count(fresh),
    recordedByCaller: count(called(true)),
    notRecordedByCaller: count(called(false)),
  };
}

const some = expect.toSatisfy((count: number) => count > 50 && count < 150, "about a quarter");

test.each([
  ["always_on", 0, { new: 400, recordedByCaller: 400, notRecordedByCaller: 400 }],
  ["always_off", 1, { new: 0, recordedByCaller: 0, notRecordedByCaller: 0 }],
  ["traceidratio", 0.25, { new: some, recordedByCaller: some, notRecordedByCaller: some }],
  ["traceidratio", 0, { new: 0, recordedByCaller: 0, notRecordedByCaller: 0 }],
  ["parentbased_always_on", 0, { new: 400, recordedByCaller: 400, notRecordedByCaller: 0 }],
  ["parentbased_always_off", 1, { new: 0, recordedByCaller: 400, notRecordedByCaller: 0 }],
  ["parentbased_traceidratio", 0.25, { new: some, recordedByCaller: 400, notRecordedByCaller: 0 }],
] as const)("the sampler %s with %d", async (sampler, samplerRatio, expected) => {
  const { traces } = open("http://127.0.0.1:9/", { sampler, samplerRatio });
  expect(recorded((place) => traces.start("x", place))).toEqual(expected);
});

test("what is not recorded is not sent, and still has a place in the trace", async () => {
  await using collector = await TraceCollector.start();
  const { traces } = open(collector.url);
  const span = traces.start("x", { kind: "server", parent: { ...parent, isSampled: false } });
  span.end();
  await traces.stop(5_000);
  expect(span.context).toMatchObject({ traceId: parent.traceId, isSampled: false });
  expect(collector.requests).toEqual([]);
});

test("a collector that refuses, then fails: a line now and then, with how many spans were lost", async () => {
  await using collector = await TraceCollector.start();
  const answerWith = (status: number): void => {
    collector.answer = (response) => response.writeHead(status).end("password=hunter2");
  };
  const clock = new TestClock();
  const { traces, warnings } = open(collector.url, {}, { clock });
  const sendOne = async (): Promise<void> => {
    const before = collector.requests.length;
    traces.start("x", below).end();
    await expect.poll(() => collector.requests.length).toBe(before + 1);
    // its deadline goes when its answer has been taken
    await expect.poll(() => clock.sleeping).toBe(0);
  };
  answerWith(400);
  await sendOne();
  await expect.poll(() => warnings.length).toBe(1);
  answerWith(500);
  await sendOne();
  await clock.advance(60_000);
  await sendOne();
  await expect.poll(() => warnings.length).toBe(2);
  expect(warnings.map(({ fields }) => fields)).toEqual([
    { spans: 1, reason: 400 },
    { spans: 2, reason: 500 },
  ]);
  expect(JSON.stringify(warnings)).not.toContain("hunter2");
});

test("a collector that is not there, or comes later", async () => {
  await using collector = await TraceCollector.start();
  // where the name of the collector leads
  let url = `http://127.0.0.1:${nobodysPort}/`;
  // shorter than the pause before it would be asked again
  const { traces, warnings } = open(
    "http://collector.example/",
    { timeoutMs: 200 },
    { fetch: async (_url, init) => fetch(url, init) },
  );
  traces.start("lost", below).end();
  await expect.poll(() => warnings.length).toBe(1);
  expect(warnings[0]?.fields["reason"]).toBe("ECONNREFUSED");
  ({ url } = collector);
  traces.start("kept", below).end();
  await traces.stop(5_000);
  // the library, which has a clock of its own, may give up the batch; its request goes on
  await collector.until((spans) => spans.length > 0);
  expect(collector.spans.map(({ name }) => name)).toEqual(["kept"]);
});

test("one that hangs delays the end for as long as was said, and is told", async () => {
  await using collector = await TraceCollector.start();
  collector.answer = () => {
    // it never does
  };
  const clock = new TestClock();
  const { traces, warnings } = open(collector.url, {}, { clock });
  traces.start("x", below).end();
  let isStopped = false;
  const stopping = traces.stop(2_000).then(() => (isStopped = true));
  await expect.poll(() => collector.requests.length).toBe(1);
  await clock.advance(1_999);
  expect(isStopped).toBe(false);
  await clock.advance(1);
  await stopping;
  expect(warnings.map(({ message }) => message)).toEqual([
    "the last traces were not exported in time",
  ]);
});

test("while it hangs no more spans wait than there is room for, and nobody waits for them", async () => {
  await using collector = await TraceCollector.start();
  collector.answer = () => {
    // it never does
  };
  const clock = new TestClock();
  const { traces } = open(collector.url, {}, { clock });
  for (let index = 0; index < 20_000; index += 1) traces.start(`${index}`, below).end();
  await expect.poll(() => collector.requests.length).toBe(1);
  collector.answer = (response) => response.writeHead(200).end();
  // the batch that hangs still does; the others have their turn at the end
  const stopping = traces.stop(1_000);
  await collector.until((spans) => spans.length >= 512 + 2_048);
  await clock.advance(1_000);
  await stopping;
  const names = collector.spans.map(({ name }) => name);
  expect(names).toEqual(Array.from({ length: 512 + 2_048 }, (_, index) => `${index}`));
});

/** As many as make a batch at once. */
function batch(traces: OtlpTraces, spans = 512): void {
  for (let index = 0; index < spans; index += 1) traces.start(`${index}`, below).end();
}

/** A collector whose answers come drop by drop and never end. */
function drip(response: ServerResponse): void {
  response.writeHead(200);
  const drops = setInterval(() => response.write("."), 20);
  response.once("close", () => clearInterval(drops));
}

test("one that answers drop by drop costs the spans of that time, not those after", async () => {
  await using collector = await TraceCollector.start();
  collector.answer = drip;
  const clock = new TestClock();
  const timeoutMs = 5_000;
  const { traces, warnings } = open(collector.url, { timeoutMs }, { clock });
  for (let sent = 1; sent <= 10; sent += 1) {
    batch(traces);
    await expect.poll(() => collector.requests.length).toBe(sent);
    await clock.advance(timeoutMs);
  }
  collector.answer = (response) => response.writeHead(200).end();
  traces.start("kept", below).end();
  await traces.stop(5_000);
  expect(collector.spans.at(-1)?.name).toBe("kept");
  expect(warnings.map(({ fields }) => fields)).toEqual([
    { spans: 512, reason: "Timeout" },
    { spans: 9 * 512, reason: "Timeout" },
  ]);
});

test("an answer without end is not read to its end", async () => {
  await using collector = await TraceCollector.start();
  let written = 0;
  let isClosed = false;
  collector.answer = (response) => {
    response.once("close", () => (isClosed = true));
    response.writeHead(200);
    const more = (): void => {
      while (!isClosed && response.write(Buffer.alloc(64 * 1024))) written += 1;
    };
    response.on("drain", more);
    more();
  };
  const { traces, warnings } = open(collector.url);
  batch(traces);
  await expect.poll(() => warnings.length).toBe(1);
  expect(warnings[0]?.fields).toEqual({ spans: 512, reason: "AnswerTooLarge" });
  await expect.poll(() => isClosed).toBe(true);
  // what fits into the buffers of both sockets
  expect(written).toBeLessThan(1_000);
});

test("a redirect is not followed: it would take the token elsewhere", async () => {
  await using elsewhere = await TraceCollector.start();
  await using collector = await TraceCollector.start();
  collector.answer = (response) => response.writeHead(307, { Location: elsewhere.url }).end();
  const { traces, warnings } = open(collector.url, {
    headers: () => ({ authorization: "Bearer hunter2" }),
  });
  batch(traces);
  await expect.poll(() => warnings.length).toBe(1);
  expect(warnings[0]?.fields).toEqual({ spans: 512, reason: 307 });
  expect(collector.requests[0]?.headers["authorization"]).toBe("Bearer hunter2");
  expect(elsewhere.requests).toEqual([]);
  expect(JSON.stringify(warnings)).not.toContain("hunter2");
});

/** ExportTraceServiceResponse { partial_success: { rejected_spans: `rejected`, error_message: "hunter2" } } */
function partialSuccess(rejected: readonly number[]): Buffer {
  const inner = Buffer.from([0x08, ...rejected, 0x12, 7, ...Buffer.from("hunter2")]);
  return Buffer.from([0x0a, inner.length, ...inner]);
}

test.each([
  ["some are rejected", partialSuccess([7]), { spans: 7 }],
  ["more than there were", partialSuccess([0xff, 0xff, 0xff, 0xff, 0x7f]), { spans: 512 }],
  ["none, beside an advice", partialSuccess([0]), undefined],
  ["no protobuf", Buffer.from("all fine, thanks"), undefined],
])("an answer of 200 that says: %s", async (_what, body, expected) => {
  await using collector = await TraceCollector.start();
  collector.answer = (response) =>
    response.writeHead(200, { "Content-Type": "application/x-protobuf" }).end(body);
  const { traces, warnings } = open(collector.url);
  batch(traces);
  await expect.poll(() => collector.requests.length).toBe(1);
  await traces.stop(5_000);
  expect(warnings.map(({ fields }) => fields)).toEqual(expected === undefined ? [] : [expected]);
  expect(JSON.stringify(warnings)).not.toContain("hunter2");
});

test("a collector that is busy is asked again when it said", async () => {
  await using collector = await TraceCollector.start();
  collector.answer = (response) => response.writeHead(503, { "Retry-After": "5" }).end();
  const clock = new TestClock();
  let answers = 0;
  const counting: typeof fetch = async (...request) => {
    const answer = await fetch(...request);
    answers += 1;
    return answer;
  };
  const { traces, warnings } = open(
    collector.url,
    { timeoutMs: 10_000 },
    { clock, fetch: counting },
  );
  batch(traces);
  await expect.poll(() => answers).toBe(1);
  // the deadline of the request has gone, the pause has come
  expect(clock.sleeping).toBe(1);
  collector.answer = (response) => response.writeHead(200).end();
  await clock.advance(4_999);
  expect(collector.requests.length).toBe(1);
  await clock.advance(1);
  await expect.poll(() => collector.requests.length).toBe(2);
  await traces.stop(5_000);
  expect(warnings).toEqual([]);
});

test("spans that find no room are counted and told", async () => {
  await using collector = await TraceCollector.start();
  collector.answer = () => {
    // it never does
  };
  const clock = new TestClock();
  const { traces, warnings } = open(collector.url, {}, { clock });
  batch(traces, 512 + 2_048 + 1_000);
  const message = "too many spans wait for the collector; more are dropped";
  expect(warnings).toEqual([{ fields: { spans: 1 }, message }]);
  await clock.advance(60_000);
  batch(traces, 1);
  expect(warnings[1]).toEqual({ fields: { spans: 1_000 }, message });
});

test.each([
  [new TypeError("text"), "TypeError"],
  [Object.assign(new Error("text"), { code: "ECONNRESET" }), "ECONNRESET"],
  [Object.assign(new Error("text"), { code: "a secret, with blanks" }), "Error"],
  [Object.assign(new Error("text"), { name: "x".repeat(65) }), "Error"],
  ["InternalServerError", "InternalServerError"],
  ["a whole sentence", "unknown"],
  [undefined, "unknown"],
  [{ password: "hunter2" }, "unknown"],
])("of %j it is told that it is %s", (failure, type) => {
  expect(failureType(failure)).toBe(type);
});
