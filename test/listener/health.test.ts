/** Health, which everybody may ask for: however often, it costs next to nothing, and the reason of a no is for the log alone. */
import { expect, onTestFinished, test } from "vitest";
import { StartedRp } from "../frontend/startedRp.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RecordingLog } from "./recordingLog.ts";

async function open(check: (signal: AbortSignal) => Promise<void>) {
  const clock = new TestClock();
  const log = new RecordingLog();
  const checks = [{ name: "database", check }];
  const rp = await StartedRp.start({ clock, log, checks });
  onTestFinished(async () => rp[Symbol.asyncDispose]());
  const ready = async (): Promise<number> => (await rp.get("/healthz/ready")).status;
  return { clock, log, rp, ready };
}

test("many at once are answered by one check, which counts for a second", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let checks = 0;
  const { clock, rp, ready } = await open(async () => {
    checks += 1;
    asked.resolve();
    await answer.promise;
  });
  const waiting = Array.from({ length: 50 }, ready);
  await asked.promise;
  // however long it takes, there is no second one beside it
  clock.skip(2_000);
  waiting.push(ready());
  expect((await rp.get("/healthz/live")).status).toBe(200);
  answer.resolve();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
  expect(checks).toBe(1);
  clock.skip(999);
  expect([await ready(), checks]).toEqual([200, 1]);
  clock.skip(1);
  expect([await ready(), checks]).toEqual([200, 2]);
});

test("no: nothing but that is told, and the log says once what does not answer", async () => {
  let isDown = true;
  const fault = new Error("host db-7 refused the connection");
  const { clock, log, rp, ready } = await open(async () => {
    if (isDown) throw fault;
  });
  for (let time = 0; time < 3; time += 1) {
    const { status, body } = await rp.get("/healthz/ready");
    const error = { code: "ServiceUnavailable", message: "The process is not ready." };
    expect([status, body]).toEqual([503, { error }]);
  }
  const told = log.records.filter(({ level }) => level === "error");
  expect(told).toEqual([
    {
      level: "error",
      error: fault,
      message: "the process is not ready: the database does not answer",
    },
  ]);
  isDown = false;
  clock.skip(1_000);
  expect(await ready()).toBe(200);
});

test("a check that never ends is a no after a while, and the next one is asked", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  let checks = 0;
  const { clock, ready } = await open(async (signal) => {
    checks += 1;
    asked.resolve(signal);
    if (checks === 1) await new Promise(() => {});
  });
  const waiting = ready();
  const signal = await asked.promise;
  await clock.advance(4_999);
  expect(signal.aborted).toBe(false);
  await clock.advance(1);
  expect([await waiting, signal.aborted]).toEqual([503, true]);
  await clock.advance(1_000);
  expect([await ready(), checks]).toEqual([200, 2]);
});
