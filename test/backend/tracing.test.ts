/** The spans of forwarder and backend: one trace for each operation, whatever happens to it, and each span ended once. */
import { expect, test } from "vitest";
import { TerminalError } from "../../src/model/rpError.ts";
import { QueueUnavailableError } from "../../src/queue/queue.ts";
import { parseTraceparent } from "../../src/model/traceContext.ts";
import {
  RecordedTraces,
  requestTraceId,
  requestTraceparent,
  type RecordedSpan,
} from "../runtime/recordedTraces.ts";
import { Simulation } from "./simulation.ts";

function traceIds(spans: readonly RecordedSpan[]): readonly string[] {
  return [...new Set(spans.map(({ context }) => context.traceId))];
}

function notEndedOnce(spans: readonly RecordedSpan[]): readonly string[] {
  return spans.filter(({ endings }) => endings !== 1).map(({ name }) => name);
}

test("a step that fails for good: its span says of which kind, and nothing of the text", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("machines", async () => {
    throw new TerminalError({ code: "InstallationFailed", message: "the key is hunter2" });
  });
  const traces = new RecordedTraces();
  const process = simulation.start({ traces });
  const asked = await simulation.create("c");
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Failed",
  );
  await process.stop();
  expect(traceIds(traces.spans)).toEqual([requestTraceId]);
  expect(notEndedOnce(traces.spans)).toEqual([]);
  const [forward] = traces.named("forward");
  expect(forward?.parentId).toBe(parseTraceparent(requestTraceparent)?.spanId);
  const [run] = traces.named("process q");
  const [network, machines, ...more] = traces.named(/^step /);
  expect(more).toEqual([]);
  expect(network).toMatchObject({
    name: "step network",
    parentId: run?.context.spanId,
    failure: undefined,
    attributes: { "rp.step.outcome": "done", "rp.step.attempt": 1, "rp.step.phase": "prepare" },
  });
  expect(machines).toMatchObject({
    name: "step machines",
    attributes: { "rp.step.outcome": "failed" },
  });
  expect(machines?.failure).toMatch(/^(TerminalError|InstallationFailed)$/);
  expect(JSON.stringify(traces.spans)).not.toContain("hunter2");
});

test("a step that fails for now is tried again in the same trace", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async (_, run) => {
    if (run === 1) throw Object.assign(new Error("text"), { code: "ECONNRESET" });
    return { done: true };
  });
  const traces = new RecordedTraces();
  const process = simulation.start({ traces });
  const asked = await simulation.create("c");
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
  );
  await process.stop();
  expect(traceIds(traces.spans)).toEqual([requestTraceId]);
  expect(notEndedOnce(traces.spans)).toEqual([]);
  const runs = traces.named("process q");
  expect(runs.length).toBeGreaterThanOrEqual(2);
  // all of them are below the one message
  expect(new Set(runs.map(({ parentId }) => parentId)).size).toBe(1);
  const tries = traces.named("step network");
  expect(tries.map(({ failure }) => failure)).toEqual(["ECONNRESET", undefined]);
  expect(tries.map(({ attributes }) => attributes["rp.step.attempt"])).toEqual([1, 2]);
});

test("a message that an older release has sent: the trace is taken up with the document", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c", { unqueued: false });
  // without anything of the request
  await simulation.duplicate(asked);
  const traces = new RecordedTraces();
  const process = simulation.start({ traces, forwarder: false });
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
  );
  await process.stop();
  expect(notEndedOnce(traces.spans)).toEqual([]);
  const [claim, run] = traces.named("process q");
  expect(claim).toMatchObject({ parentId: undefined });
  expect(run?.context.traceId).toBe(requestTraceId);
  for (const step of traces.named(/^step /)) expect(step.parentId).toBe(run?.context.spanId);
  const steps = process.log.filter(({ fields }) => fields["step"] !== undefined);
  expect(steps.length).toBeGreaterThan(0);
  for (const { fields } of steps) {
    expect(fields).toMatchObject({
      traceId: requestTraceId,
      requestId: `request of ${asked.operationId}`,
      operationId: asked.operationId,
    });
    expect(fields["correlationId"]).toBeTruthy();
  }
});

test("an operation that an older release has begun, in place of one of this: it never joins the former's trace", async () => {
  await using simulation = await Simulation.open();
  const trace = { operationId: "former", requestId: "former", traceparent: requestTraceparent };
  const asked = await simulation.create("c");
  const stored = await simulation.stored("c");
  if (stored === undefined) throw new Error("there is no cluster");
  const operation = { ...stored.document.operation, trace };
  await simulation.store.commit(asked.key.partition, [
    { replace: stored, document: { ...stored.document, operation } },
  ]);
  const traces = new RecordedTraces();
  const process = simulation.start({ traces });
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
  );
  await process.stop();
  expect(traces.named(/^step /).length).toBeGreaterThan(0);
  expect(traceIds(traces.spans)).not.toContain(requestTraceId);
  expect(JSON.stringify(process.log)).not.toContain("former");
});

test("a DELETE that cuts an operation short ends all its spans", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script(
    "machines",
    async ({ signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      ),
  );
  const traces = new RecordedTraces();
  const process = simulation.start({ traces });
  await simulation.create("c");
  await simulation.clock.advanceUntil(() => traces.named("step machines").length > 0);
  await simulation.remove("c");
  await simulation.clock.advanceUntil(async () => (await simulation.stored("c")) === undefined);
  await process.stop();
  expect(notEndedOnce(traces.spans)).toEqual([]);
  expect(traces.named("step machines")[0]?.failure).toBe("SupersededError");
});

test("a queue that takes nothing: the sending failed, and with it the forwarding", async () => {
  await using simulation = await Simulation.open();
  const traces = new RecordedTraces();
  const process = simulation.start({
    traces,
    backend: false,
    queue: (queue) =>
      new Proxy(queue, {
        get: (target, name) =>
          name === "send"
            ? async () => Promise.reject(new QueueUnavailableError("down"))
            : (Reflect.get(target, name) as unknown),
      }),
  });
  await simulation.create("c");
  await simulation.clock.advanceUntil(() => traces.named("forward").length > 0);
  await process.stop();
  expect(notEndedOnce(traces.spans)).toEqual([]);
  for (const name of ["forward", "send q"]) {
    expect(traces.named(name)[0]?.failure).toBe("QueueUnavailableError");
  }
});

test("a message that was lost: who flags the operation again does so in its trace", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c", { unqueued: false });
  const traces = new RecordedTraces();
  const process = simulation.start({ traces });
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
  );
  await process.stop();
  const [flagging] = traces.named("flag again");
  expect(flagging?.context.traceId).toBe(requestTraceId);
  expect(flagging === undefined ? [] : traces.below(flagging)).toEqual(["updateScheduling"]);
  const lines = process.log.filter(({ message }) => message.includes("flagged again"));
  expect(lines.map(({ fields }) => fields)).toEqual([
    expect.objectContaining({
      traceId: requestTraceId,
      requestId: `request of ${asked.operationId}`,
      correlationId: "correlation of c",
      operationId: asked.operationId,
    }),
  ]);
});

test("what nobody records begins no span for a call of store or queue", async () => {
  await using simulation = await Simulation.open();
  const traces = new RecordedTraces({ isRecording: false });
  const process = simulation.start({ traces });
  const asked = await simulation.create("c");
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
  );
  await process.stop();
  expect(traces.named("process q").length).toBeGreaterThan(0);
  expect(traces.spans.filter(({ kind }) => kind === "client")).toEqual([]);
});
