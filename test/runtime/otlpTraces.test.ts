/** The export of traces to a collector on a real socket: what is sent, what is recorded at all, and what becomes of it when the collector fails. */
import { expect, test } from "vitest";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { systemIds, systemRandom } from "../../src/runtime/ids.ts";
import { silentLog, type LogFields } from "../../src/runtime/log.ts";
import { OtlpTraces } from "../../src/runtime/otlpTraces.ts";
import { failureType, type Span, type SpanStart } from "../../src/runtime/traces.ts";
import type { TraceSettings } from "../../src/runtime/traceSettings.ts";
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

function open(url: string, settings: Partial<TraceSettings> = {}, clock: Clock = systemClock) {
  const warnings: Line[] = [];
  const traces = new OtlpTraces({
    settings: {
      url,
      headers: () => ({}),
      timeoutMs: 1_000,
      serviceName: "rp",
      resourceAttributes: {},
      sampler: "parentbased_always_on",
      samplerRatio: 1,
      ...settings,
    },
    version: "1",
    random: systemRandom,
    clock,
    log: { ...silentLog, warn: (fields, message) => warnings.push({ fields, message }) },
  });
  return { traces, warnings };
}

/** A port on which nobody listens. */
async function deadUrl(): Promise<string> {
  await using collector = await TraceCollector.start();
  return collector.url;
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
  const { traces, warnings } = open(collector.url, {}, clock);
  const sendOne = async (): Promise<void> => {
    const before = collector.requests.length;
    traces.start("x", below).end();
    await expect.poll(() => collector.requests.length, { timeout: 10_000 }).toBe(before + 1);
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
  const url = await deadUrl();
  const { traces, warnings } = open(url, { timeoutMs: 200 });
  traces.start("lost", below).end();
  await expect.poll(() => warnings.length, { timeout: 10_000 }).toBe(1);
  expect(warnings[0]?.fields["reason"]).toBe("ECONNREFUSED");
  await using collector = await TraceCollector.start(Number(new URL(url).port));
  traces.start("kept", below).end();
  await traces.stop(5_000);
  expect(collector.spans.map(({ name }) => name)).toEqual(["kept"]);
});

test("one that hangs delays the end for as long as was said, and is told", async () => {
  await using collector = await TraceCollector.start();
  collector.answer = () => {
    // it never does
  };
  const clock = new TestClock();
  const { traces, warnings } = open(collector.url, { timeoutMs: 600_000 }, clock);
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
  const { traces } = open(collector.url, { timeoutMs: 600_000 });
  for (let index = 0; index < 20_000; index += 1) traces.start(`${index}`, below).end();
  await expect.poll(() => collector.requests.length).toBe(1);
  collector.answer = (response) => response.writeHead(200).end();
  // the batch that hangs still does; the others have their turn at the end
  await traces.stop(1_000);
  const names = collector.spans.map(({ name }) => name);
  expect(names).toEqual(Array.from({ length: 512 + 2_048 }, (_, index) => `${index}`));
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
