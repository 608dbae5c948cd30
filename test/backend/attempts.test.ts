/** What fails, hangs or kills: it is tried again for so long, then the operation ends with a reason that a user can read. */
import { describe, expect, test } from "vitest";
import type { StepContext } from "../../src/installers/installer.ts";
import { TerminalError, TransientError } from "../../src/model/rpError.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing } from "./simulation.ts";

describe("a step that fails for now", () => {
  test("is tried again with growing waits, holding neither worker nor lease, and then goes on", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) => {
      if (run < 4) throw new TransientError("no capacity");
      return done;
    });
    const process = simulation.start();
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    await simulation.clock.settle();
    expect(process.backend.busy).toBe(0);
    expect(await simulation.leaseRemainingMs(asked)).toBeUndefined();
    expect((await simulation.cluster())?.work.lastError?.message).toContain("no capacity");
    const record = await simulation.untilEnded(asked);
    expect(record.status).toBe("Succeeded");
    expect(record.steps[1]).toMatchObject({ name: "machines", attempts: 4 });
    const times = simulation.installer.begins
      .filter(({ step }) => step === "machines")
      .map(({ at }) => at);
    const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    // half of the cap and half of the other half
    expect(waits).toEqual([750, 1_500, 3_000]);
    expect((await simulation.cluster())?.work.lastError).toBeUndefined();
  });

  test("five times ends the operation with TooManyAttempts and the last cause", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) => {
      throw new TransientError(`no capacity in zone ${run}`);
    });
    simulation.start();
    const asked = await simulation.create();
    const record = await simulation.untilEnded(asked);
    expect(record.status).toBe("Failed");
    expect(record.error).toEqual({
      code: "TooManyAttempts",
      message:
        "Step machines made no progress in 5 attempts; the last cause: " +
        "Step machines failed: no capacity in zone 5",
    });
    expect(simulation.installer.begun(asked.operationId)).toHaveLength(6);
    expect(await simulation.cluster()).toMatchObject({
      provisioningState: "Failed",
      work: { attempts: 0 },
    });
    await simulation.clock.advance(2 * timing.visibilityMs);
    expect(simulation.messages).toBe(0);
  });

  test("has its attempts reset by progress", async () => {
    await using simulation = await Simulation.open();
    for (const step of simulation.installer.names("create")) {
      simulation.installer.script(step, async (_context, run) => {
        if (run < 5) throw new Error("not yet");
        return done;
      });
    }
    simulation.start();
    const asked = await simulation.create();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect(simulation.installer.begun(asked.operationId)).toHaveLength(20);
  });

  test("has its attempts reset by being called again", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) => {
      if (run === 20) return done;
      if (run % 5 === 0) return { done: false, againAfterMs: 500 };
      throw new Error("not yet");
    });
    simulation.start();
    const asked = await simulation.create();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });

  test("a healthy step that waits a hundred times is no failure", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) =>
      run <= 100 ? { done: false, againAfterMs: 1_000 } : done,
    );
    simulation.start();
    const asked = await simulation.create();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect((await simulation.record(asked)).steps[1]).toMatchObject({ attempts: 101 });
  });

  test("by throwing before it returns a promise, or something that is no error, fails like any other", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("network", (_context, run) => {
      if (run === 1) throw new Error("at once");
      if (run === 2) throw "a text";
      return Promise.resolve(done);
    });
    const process = simulation.start();
    const asked = await simulation.create();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect(process.lines("error")).toEqual([]);
  });
});

test("a terminal failure ends the operation at once with its own code and reason", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("machines", async () => {
    throw new TerminalError({ code: "InstallationFailed", message: "the VM size is not offered" });
  });
  simulation.start();
  const asked = await simulation.create();
  expect(await simulation.untilEnded(asked)).toMatchObject({
    status: "Failed",
    error: {
      code: "InstallationFailed",
      message: "Step machines failed: the VM size is not offered",
    },
    percentComplete: 25,
  });
  expect(simulation.installer.begun(asked.operationId)).toEqual(["network", "machines"]);
});

test("ARM-91: an update that fails goes back to what was reached, and keeps the tags that were asked for", async () => {
  await using simulation = await Simulation.open();
  simulation.start();
  await simulation.untilEnded(await simulation.create());
  const reached = (await simulation.cluster())?.cluster;
  simulation.installer.script("verify", async () => {
    throw new TerminalError({ code: "InstallationFailed", message: "no" });
  });
  await simulation.untilEnded(await simulation.update("c1", { team: "blue" }));
  const cluster = await simulation.cluster();
  expect(cluster?.provisioningState).toBe("Failed");
  expect(cluster?.cluster).toEqual({ ...reached, tags: { team: "blue" } });
});

test("a delete that fails leaves the cluster Failed, to be deleted again", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("destroy", async () => {
    throw new TerminalError({ code: "InstallationFailed", message: "locked" });
  });
  simulation.start();
  await simulation.untilEnded(await simulation.create());
  const first = await simulation.remove();
  expect(await simulation.untilEnded(first)).toMatchObject({ status: "Failed" });
  expect((await simulation.cluster())?.provisioningState).toBe("Failed");
  simulation.installer.script("destroy", async () => done);
  const second = await simulation.remove();
  expect(await simulation.untilEnded(second)).toMatchObject({ status: "Succeeded" });
  expect(await simulation.cluster()).toBeUndefined();
});

test("a step counts as done, in the log and for metrics, when its end is stored", async () => {
  await using simulation = await Simulation.open();
  let isFull = false;
  simulation.installer.script("machines", async (_context, run) => {
    isFull = run === 1;
    return done;
  });
  const first = simulation.start({
    name: "first",
    decide: ({ name }) => (isFull && name === "store.commit" ? "unavailable" : undefined),
  });
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "machines");
  await simulation.clock.advance(2 * timing.leaseMs);
  first.kill();
  const second = simulation.start({ name: "second" });
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  const names = simulation.installer.names("create");
  const told = [first, second].flatMap(({ stepEvents }) => stepEvents);
  expect(told.filter(({ outcome }) => outcome === "done").map(({ step }) => step)).toEqual(names);
  const logged = [first, second].flatMap(({ log }) => log);
  expect(
    logged.filter(({ fields }) => fields["outcome"] === "done").map(({ fields }) => fields["step"]),
  ).toEqual(names);
});

test("a step whose end could not be stored counts as interrupted", async () => {
  await using simulation = await Simulation.open();
  // a document cannot hold this
  simulation.installer.script("machines", async (_context, run) =>
    run === 1 ? { done: true, changes: { installation: { n: 1n } } } : done,
  );
  const process = simulation.start();
  expect(await simulation.untilEnded(await simulation.create())).toMatchObject({
    status: "Succeeded",
  });
  const told = process.stepEvents.filter(({ step }) => step === "machines");
  expect(told.map(({ outcome }) => outcome)).toEqual(["failed", "done"]);
});

describe("a step's deadline", () => {
  test("ends a step that hangs, even one that ignores its signal; the slot gets free and the zombie can do nothing", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.deadlineMs = 30_000;
    let zombie: StepContext | undefined;
    simulation.installer.script("machines", async (context) => {
      zombie = context;
      return new Promise<never>(() => {});
    });
    const process = simulation.start({ workers: 1 });
    const asked = await simulation.create();
    const record = await simulation.untilEnded(asked);
    expect(record).toMatchObject({
      status: "Failed",
      error: { code: "StepTimedOut", message: "Step machines did not end within 0.5 minutes." },
    });
    expect((record.endedAt ?? 0) - (record.steps[1]?.startedAt ?? 0)).toBe(30_000);
    expect((await simulation.cluster())?.work.epoch).toBe(1);
    const failed = await simulation.stored();
    expect(() => zombie?.guard()).toThrow("the worker");
    await expect(zombie?.save({ installation: { late: true } })).rejects.toThrow("the worker");
    await simulation.clock.advance(timing.heartbeatMs);
    expect(process.backend.busy).toBe(0);
    expect(() => zombie?.guard()).toThrow("the worker");
    expect(await simulation.stored()).toEqual(failed);
    const next = await simulation.create("c2");
    simulation.installer.script("machines", async () => done);
    expect(await simulation.untilEnded(next)).toMatchObject({ status: "Succeeded" });
  });

  test("runs from the step's first start, over waits and takeovers", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.deadlineMs = 60_000;
    simulation.installer.script("machines", async () => ({ done: false, againAfterMs: 7_000 }));
    const first = simulation.start({ name: "first" });
    const asked = await simulation.create();
    await simulation.clock.advance(20_000);
    first.kill();
    simulation.start({ name: "second" });
    const record = await simulation.untilEnded(asked);
    expect(record.error?.code).toBe("StepTimedOut");
    const lasted = (record.endedAt ?? 0) - (record.steps[1]?.startedAt ?? 0);
    expect(lasted).toBeGreaterThanOrEqual(60_000);
    expect(lasted).toBeLessThan(75_000);
  });

  test("ends with what the step said that it waits for, which operators read meanwhile", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.deadlineMs = 10_000;
    simulation.installer.script("machines", async ({ snapshot }) => ({
      done: false,
      againAfterMs: 1_000,
      because: `the cloud has no room; it was told ${snapshot.secrets.pullSecret}`,
    }));
    const process = simulation.start();
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines", 2);
    const waits = "Step machines waits: the cloud has no room; it was told (secret)";
    expect((await simulation.cluster())?.work.lastError?.message).toBe(waits);
    expect(process.lines("warn")).toContain(waits);
    const { error } = await simulation.untilEnded(asked);
    expect(error).toEqual({
      code: "StepTimedOut",
      message: `Step machines did not end within 0.2 minutes. ${waits}`,
    });
  });

  test("what a step waits for is in the log once, and again when it changes and every five minutes", async () => {
    await using simulation = await Simulation.open();
    const startedAt = simulation.clock.now();
    simulation.installer.deadlineMs = 12 * 60_000;
    simulation.installer.script("machines", async () => {
      const passedMs = simulation.clock.now() - startedAt;
      const because = passedMs < 60_000 ? "there is no room" : "Azure does not answer";
      return { done: false, againAfterMs: 10_000, because };
    });
    const process = simulation.start();
    const asked = await simulation.create();
    const told = (): readonly string[] =>
      process.lines("warn").filter((line) => line.startsWith("Step machines waits: "));
    const room = "Step machines waits: there is no room";
    const outage = "Step machines waits: Azure does not answer";
    await simulation.untilBegun(asked, "machines", 4);
    expect(told()).toEqual([room]);
    await simulation.clock.advance(3 * 60_000);
    expect(told()).toEqual([room, outage]);
    await simulation.clock.advance(4 * 60_000);
    expect(told()).toEqual([room, outage, outage]);
    expect((await simulation.cluster())?.work.lastError?.message).toBe(outage);
    await simulation.untilEnded(asked, 10 * 60_000);
    expect(told()).toEqual([room, outage, outage, outage]);
  });

  test("a wait that is longer than the deadline ends with it", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.deadlineMs = 10_000;
    simulation.installer.script("machines", async () => ({
      done: false,
      againAfterMs: Number.POSITIVE_INFINITY,
    }));
    simulation.start();
    const record = await simulation.untilEnded(await simulation.create(), 30_000);
    expect(record.error?.code).toBe("StepTimedOut");
  });

  test("a step whose deadline passed while nobody worked still gets a chance to find its work done", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.deadlineMs = 30_000;
    simulation.installer.script("machines", async (_context, run) => {
      if (run === 1) await simulation.clock.sleep(600_000);
      return done;
    });
    const first = simulation.start({ name: "first" });
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    first.kill();
    await simulation.clock.advance(120_000);
    simulation.start({ name: "second" });
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });
});

describe("a step that kills its process each time", () => {
  test("ARM-88: ends Failed after five attempts, and the sixth process survives", async () => {
    await using simulation = await Simulation.open();
    let kill = (): void => {};
    simulation.installer.script("machines", async () => {
      kill();
      return new Promise<never>(() => {});
    });
    const asked = await simulation.create();
    let deaths = 0;
    for (; deaths < 10; deaths += 1) {
      const process = simulation.start({ name: `process ${deaths}` });
      kill = () => process.kill();
      await simulation.clock.advanceUntil(
        async () => process.faults.dead || (await simulation.record(asked)).status === "Failed",
        { stepMs: 500 },
      );
      if (!process.faults.dead) break;
    }
    expect(deaths).toBe(5);
    expect((await simulation.record(asked)).error).toEqual({
      code: "TooManyAttempts",
      message:
        "Step machines made no progress in 5 attempts; " +
        "the worker that ran it was interrupted each time.",
    });
    expect((await simulation.cluster())?.provisioningState).toBe("Failed");
  });
});

describe("a stop in good order", () => {
  test("gives the attempt, the lease and the message back at once", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async ({ signal, now }, run) => {
      if (run <= 8) await simulation.clock.sleep(600_000, signal);
      expect(now).toBeGreaterThan(0);
      return done;
    });
    const asked = await simulation.create();
    // more stops than attempts are allowed
    for (let n = 1; n <= 8; n += 1) {
      const process = simulation.start({ name: `process ${n}` });
      await simulation.untilBegun(asked, "machines", n);
      const stopped = simulation.clock.now();
      await process.stop();
      expect(simulation.clock.now()).toBe(stopped);
      expect((await simulation.cluster())?.work.attempts).toBeLessThanOrEqual(1);
      expect(await simulation.leaseRemainingMs(asked)).toBeUndefined();
      expect(await simulation.queue.receive({ max: 1, visibilityMs: 0 })).toHaveLength(1);
    }
    simulation.start({ name: "last" });
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });

  test("uses a result that the step still brings", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (context) => {
      await simulation.clock.sleep(1_000);
      await context.save({ installation: { noted: "while stopping" } });
      return done;
    });
    const process = simulation.start({ stopGraceMs: 4_000 });
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    const ended = process.askToStop();
    await simulation.clock.advance(1_500);
    await ended;
    const cluster = await simulation.cluster();
    expect(cluster?.work).toMatchObject({ step: "bootstrap", attempts: 0 });
    expect(cluster?.installation).toMatchObject({ noted: "while stopping" });
    expect(simulation.installer.begun(asked.operationId)).toEqual(["network", "machines"]);
  });

  test("leaves the lease under a step that doesn't come to rest, and doesn't wait for it for ever", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) =>
      run === 1 ? new Promise<never>(() => {}) : done,
    );
    const process = simulation.start({ stopGraceMs: 4_000 });
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    let hasEnded = false;
    void process.askToStop().then(() => (hasEnded = true));
    await simulation.clock.advance(1_900);
    expect(hasEnded).toBe(false);
    await simulation.clock.advance(2_200);
    expect(hasEnded).toBe(true);
    process.kill();
    expect(await simulation.leaseRemainingMs(asked)).toBeGreaterThan(0);
    simulation.start({ name: "other" });
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });

  test("B6: takes nothing more off the queue, and hands back what it had just taken", async () => {
    await using simulation = await Simulation.open();
    const held = Promise.withResolvers<void>();
    const process = simulation.start({
      forwarder: false,
      decide: ({ name }) => (name === "queue.receive" ? { holdUntil: held.promise } : undefined),
    });
    const asked = await simulation.create();
    await simulation.duplicate(asked);
    await simulation.clock.settle();
    const ended = process.askToStop();
    held.resolve();
    await ended;
    expect(await simulation.queue.receive({ max: 1, visibilityMs: 0 })).toHaveLength(1);
    expect(simulation.installer.begins).toEqual([]);
    expect(process.faults.count("queue.receive")).toBe(1);
  });

  test("ends even if store and queue fail to the last", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async ({ signal }) => {
      await simulation.clock.sleep(600_000, signal);
      return done;
    });
    const process = simulation.start();
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    process.faults.decide = () => "hangBefore";
    let hasEnded = false;
    void process.askToStop().then(() => (hasEnded = true));
    await simulation.clock.advance(4_000);
    expect(hasEnded).toBe(true);
  });
});

test("what breaks in the middle of a worker reaches neither the process nor other messages", async () => {
  await using simulation = await Simulation.open();
  // a document cannot hold this
  simulation.installer.script("machines", async ({ snapshot }) =>
    snapshot.name === "bad" ? { done: true, changes: { installation: { n: 1n } } } : done,
  );
  const process = simulation.start();
  const bad = await simulation.create("bad");
  const good = await simulation.create("good");
  expect(await simulation.untilEnded(good)).toMatchObject({ status: "Succeeded" });
  expect(await simulation.untilEnded(bad)).toMatchObject({
    status: "Failed",
    error: { code: "TooManyAttempts", message: expect.stringContaining("an internal error") },
  });
  expect(process.backend.busy).toBe(0);
});

test("a failure's reason and its log line show no secret of the cluster", async () => {
  await using simulation = await Simulation.open();
  const pullSecret = '{"auths":{"registry.example":{"auth":"dG9rZW4tb2YtdGhlLXJlZ2lzdHJ5"}}}';
  simulation.installer.script("machines", async () => {
    throw new TerminalError(
      { code: "InstallationFailed", message: `refused ${pullSecret}` },
      { cause: new Error("token dG9rZW4tb2YtdGhlLXJlZ2lzdHJ5 is bad") },
    );
  });
  const process = simulation.start();
  const asked = await simulation.create("c1", { secrets: { pullSecret } });
  const record = await simulation.untilEnded(asked);
  expect(record.error?.message).toBe("Step machines failed: refused (secret)");
  const logged = process.log.map(({ fields }) => {
    const { error } = fields as { error?: Error & { cause?: Error } };
    return `${error?.message} ${error?.stack} ${error?.cause?.message} ${error?.cause?.stack}`;
  });
  expect(logged.join("\n")).toContain("token (secret) is bad");
  expect(logged.join("\n")).not.toContain("dG9rZW4tb2YtdGhlLXJlZ2lzdHJ5");
});
