/** What a line of the log holds, and what it must never hold. */
import { expect, test } from "vitest";
import { secretNames } from "../../src/model/clusterSecrets.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import type { Log } from "../../src/runtime/log.ts";
import { pinoLog, type LogLevel } from "../../src/runtime/pinoLog.ts";

const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: async () => {},
  timer: () => ({ [Symbol.dispose]: () => {} }),
};

function capture(options: { level?: LogLevel; readable?: boolean } = {}): {
  log: Log;
  lines: string[];
} {
  const lines: string[] = [];
  const log = pinoLog({
    level: options.level ?? "debug",
    clock,
    readable: options.readable ?? false,
    sink: { write: (line) => lines.push(line) },
  });
  return { log, lines };
}

test("a record is one JSON line with a level's name and the clock's time", () => {
  const { log, lines } = capture();
  log.child({ requestId: "r" }).info({ durationMs: 3, absent: undefined }, "done");
  expect(lines).toHaveLength(1);
  expect(lines[0]?.endsWith("\n")).toBe(true);
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    level: "info",
    time: "1970-01-01T00:00:00.000Z",
    requestId: "r",
    durationMs: 3,
    message: "done",
  });
});

test("records below the level are dropped", () => {
  const { log, lines } = capture({ level: "warn" });
  log.debug({}, "a");
  log.info({}, "b");
  log.warn({}, "c");
  log.error({}, "d");
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(["warn", "error"]);
  const silent = capture({ level: "silent" });
  silent.log.error({}, "e");
  expect(silent.lines).toEqual([]);
});

test("an error is shown with its stack and its causes, without its own members", () => {
  const { log, lines } = capture();
  const root = Object.assign(new TypeError("root"), { code: "ECONNRESET", request: "hidden" });
  log.error({ error: new Error("outer", { cause: new AggregateError([root], "many") }) }, "bad");
  const { error } = JSON.parse(lines[0] ?? "");
  expect(error).toMatchObject({
    type: "Error",
    message: "outer",
    stack: expect.stringContaining("pinoLog.test.ts"),
    cause: {
      type: "AggregateError",
      message: "many",
      errors: [{ type: "TypeError", message: "root", code: "ECONNRESET" }],
    },
  });
  expect(lines[0]).not.toContain("hidden");
});

const names = [
  ...secretNames,
  "secrets",
  "authorization",
  "Authorization",
  "set-cookie",
  "clientSecret",
  "client_secret",
  "connectionString",
  "systemData",
  "lastModifiedBy",
];

test.each(names)("the value of %s is masked at any depth, in children too", (name) => {
  for (const readable of [false, true]) {
    const { log, lines } = capture({ readable });
    log.child({ [name]: "s3cret" }).info({ [name]: { value: "s3cret" } }, "a");
    log.error({ deep: [{ deeper: { [name]: "s3cret" } }], error: { [name]: "s3cret" } }, "b");
    expect(lines).toHaveLength(2);
    expect(lines.join("")).not.toContain("s3cret");
    expect(lines.join("")).toContain("[masked]");
  }
});

test("odd values don't break a line", () => {
  const { log, lines } = capture();
  const circle: Record<string, unknown> = { bytes: new Uint8Array(3), at: new Date(0), n: 1n };
  circle["self"] = circle;
  const same = { a: 1 };
  const loop = new Error("loop");
  loop.cause = loop;
  log.info({ circle, twice: [same, same], none: null, error: loop }, "odd");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    circle: { bytes: "[3 bytes]", at: "1970-01-01T00:00:00.000Z", n: 1, self: "[circular]" },
    twice: [{ a: 1 }, { a: 1 }],
    none: null,
    error: { message: "loop", cause: "[circular]" },
  });
});

test("on a terminal a record is text: the cluster's name, the message, few members, a readable stack", () => {
  const { log, lines } = capture({ readable: true });
  log
    .child({ requestId: "r-1", resourceId: "/subscriptions/s/x/OpenShiftClusters/demo" })
    .info({ step: "CopyImage", durationMs: 3 }, "CopyImage done (step 4 of 12)");
  log.error({ error: new Error("broken") }, "step failed");
  expect(lines[0]).toMatch(/INFO.*: demo: CopyImage done \(step 4 of 12\) \{"durationMs":3\}\n$/);
  expect(lines[1]).toContain("step failed");
  expect(lines[1]).toMatch(/Error: broken\n +at /);
});
