/** Work that is laid down and taken up again: never two runs at once, none after a stop, and nothing called at rest that isn't. */
import { expect, test } from "vitest";
import { DrainableWork } from "../../src/runtime/drainableWork.ts";
import { silentLog } from "../../src/runtime/log.ts";

/** Runs that come to rest when the test says so. */
class Runs {
  begun = 0;
  active = 0;
  busy = 0;
  #ends: (() => void)[] = [];

  readonly work = new DrainableWork({
    run: async (signal) => {
      this.begun += 1;
      this.active += 1;
      expect(this.active).toBe(1);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#ends.push(resolve);
      await new Promise<void>((halted) => signal.addEventListener("abort", () => halted()));
      await promise;
      this.active -= 1;
    },
    busy: () => this.busy,
    log: silentLog,
  });

  async comeToRest(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    await new Promise((turned) => setImmediate(turned));
  }
}

test("it is drained once the run has ended and nothing is in hand, and only then works again", async () => {
  const runs = new Runs();
  const { work } = runs;
  work.begin();
  expect([work.state, work.undrain()]).toEqual(["working", true]);
  runs.busy = 2;
  work.drain();
  work.drain();
  expect([work.state, work.undrain(), work.busy]).toEqual(["draining", false, 2]);
  await runs.comeToRest();
  // a rest that took too long leaves something behind
  expect([work.state, work.undrain()]).toEqual(["draining", false]);
  runs.busy = 0;
  expect(work.state).toBe("drained");
  expect([work.undrain(), work.state, runs.begun]).toEqual([true, "working", 2]);
  work.drain();
  await runs.comeToRest();
  expect(work.state).toBe("drained");
});

test("what was drained before it began doesn't begin by itself", async () => {
  const runs = new Runs();
  runs.work.drain();
  runs.work.begin();
  expect([runs.work.state, runs.begun]).toEqual(["drained", 0]);
  expect(runs.work.undrain()).toBe(true);
  expect(runs.begun).toBe(1);
});

test("a stop waits for the run, whether it was drained or not, and is for good", async () => {
  for (const isDrained of [false, true]) {
    const runs = new Runs();
    runs.work.begin();
    if (isDrained) runs.work.drain();
    let isStopped = false;
    const stopped = runs.work.stop().then(() => (isStopped = true));
    await new Promise((turned) => setImmediate(turned));
    expect([isStopped, runs.work.state]).toEqual([false, "stopping"]);
    await runs.comeToRest();
    await stopped;
    expect(runs.work.undrain()).toBe(false);
    runs.work.begin();
    expect([runs.begun, runs.work.state]).toEqual([1, "stopping"]);
  }
});

test("a run that breaks is told at once, and by a stop at any time after; it is not begun again", async () => {
  const never = new AbortController().signal;
  for (const isDrained of [false, true]) {
    const { promise: going, reject: breakIt } = Promise.withResolvers<void>();
    let begun = 0;
    const lines: string[] = [];
    const work = new DrainableWork({
      run: async () => {
        begun += 1;
        return going;
      },
      busy: () => 0,
      log: { ...silentLog, info: (_fields, message) => lines.push(message) },
    });
    work.begin();
    if (isDrained) work.drain();
    const broken = work.untilBroken(never);
    breakIt(new Error("a defect"));
    expect(await broken).toMatchObject({ error: { message: "a defect" } });
    expect(await work.untilBroken(never)).toMatchObject({ error: { message: "a defect" } });
    expect([work.state, work.undrain()]).toEqual(["stopping", false]);
    work.begin();
    expect(begun).toBe(1);
    expect(lines).not.toContain("drained: no new work is taken");
    await expect(work.stop()).rejects.toThrow("a defect");
    await expect(work.stop()).rejects.toThrow("a defect");
  }
});

test("who looks on is let go by the stop of the process", async () => {
  const { work } = new Runs();
  const stop = new AbortController();
  const looking = work.untilBroken(stop.signal);
  stop.abort();
  expect(await looking).toBeUndefined();
  expect(await work.untilBroken(stop.signal)).toBeUndefined();
});
