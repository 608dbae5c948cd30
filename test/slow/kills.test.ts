/**
 * The real program killed with SIGKILL at any moment: frontend, forwarder and two backends as processes of their own, while
 * users change clusters. What was accepted is carried on by whoever comes next, and every step is done once. And under the
 * default settings, how long that takes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ClusterDocument, OperationDocument } from "../../src/model/document.ts";
import { AzurePeers } from "../process/azurePeers.ts";
import { announceSubscription, putCluster, untilState } from "../process/clusterCalls.ts";
import { Fleet } from "../process/fleet.ts";
import { compiledIn, RpProcess, temporaryFolder, type Environment } from "../process/rpProcess.ts";
import { signalsItself } from "../process/signalsItself.ts";
import { SeededChance } from "../process/seededChance.ts";
import { expectEveryStepOnce, expectStepsUntilCanceled } from "../process/stepHistory.ts";
import { StoredState } from "../process/storedState.ts";
import { ClusterUser, type UserCounts } from "./clusterUser.ts";

const userCount = 10;
/** The fifth interruption in a row would rightly end an operation, so before that a step is given the time to be done. */
const attemptsSpared = 3;

/** What the engines hold, seen past the program. */
interface EngineState {
  readonly clusters: () => readonly ClusterDocument[];
  readonly operations: () => readonly OperationDocument[];
  /** Visible or not. */
  readonly messageCount: () => number;
}

interface Engines extends AsyncDisposable {
  /** The variables that select them, and how long leases last. */
  readonly settings: Environment;
  readonly state: EngineState;
  /** At least so many, and more until everything has happened that the test is about. */
  readonly killCount: number;
  /** What would be found wrong with what they keep, once all processes have ended. */
  readonly faults: () => string;
}

async function embedded(): Promise<Engines> {
  const folder = temporaryFolder();
  let opened: StoredState | undefined;
  // the program makes the file
  const state = (): StoredState => (opened ??= new StoredState(folder.path));
  return {
    settings: {
      DATA_DIR: folder.path,
      HEARTBEAT_SECONDS: "0.4",
      LEASE_SECONDS: "2",
      VISIBILITY_SECONDS: "2.5",
    },
    state: {
      clusters: () => state().clusters(),
      operations: () => state().operations(),
      messageCount: () => state().messageCount(),
    },
    killCount: 30,
    faults: () => state().integrity().replace(/^ok$/, ""),
    [Symbol.asyncDispose]: async () => {
      opened?.[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

/**
 * On peers: the processes die, what stands in for Azure does not. A lease has to outlast a claim's calls, and some, on a busy machine: one
 * that has run out by then costs an attempt, and five of them the operation. So fewer are killed.
 */
async function azure(): Promise<Engines> {
  const peers = await AzurePeers.start();
  return {
    settings: {
      ...peers.settings,
      HEARTBEAT_SECONDS: "0.6",
      LEASE_SECONDS: "3",
      VISIBILITY_SECONDS: "3.5",
    },
    state: {
      clusters: () => peers.clusters(),
      operations: () => peers.operations(),
      messageCount: () => peers.messageCount(),
    },
    killCount: 12,
    faults: () => "",
    [Symbol.asyncDispose]: async () => peers[Symbol.asyncDispose](),
  };
}

/** What is killed, and what that depends on. */
interface Scene {
  readonly fleet: Fleet;
  readonly engines: Engines;
  readonly users: readonly ClusterUser[];
  readonly chance: SeededChance;
  /** Whether everything has happened that the test is about. */
  readonly isEnough: () => boolean;
  /** Aborted when the test has ended, perhaps with a fault. */
  readonly signal: AbortSignal;
}

/** Kills one after the other of those that run, every few hundred milliseconds. */
async function killAtRandom(scene: Scene): Promise<void> {
  const { fleet, engines, users, chance, isEnough, signal } = scene;
  for (let killed = 0; killed < engines.killCount || !isEnough();) {
    await sleep(chance.between(200, 700), undefined, { signal });
    const victim = chance.pick(fleet.up);
    if (victim === "web") {
      // perhaps between a commit and its answer
      while (!users.some(({ isWriting }) => isWriting)) await sleep(1, undefined, { signal });
      await sleep(chance.between(0, 10));
    } else if (engines.state.clusters().some(({ work }) => work.attempts >= attemptsSpared)) {
      continue;
    }
    if (victim === undefined) continue;
    fleet.restart(victim);
    killed += 1;
  }
}

test.each([
  ["the embedded engine", embedded],
  ["the Azure engines", azure],
])(
  "on %s, frontend, forwarder and backends are killed at random: no accepted write is lost, every step is done once",
  async (_name, open) => {
    const seed = Number(process.env["KILLS_SEED"] ?? Date.now() % 1_000_000);
    try {
      await using engines = await open();
      await expectNothingLost(engines, seed);
    } catch (error) {
      throw new Error(`KILLS_SEED=${seed}: ${String(error)}`, { cause: error });
    }
  },
  // some minutes on a machine that is busy with ten other things
  900_000,
);

/** How many steps an interrupted backend had begun before. */
function stepsBegunAgain(state: EngineState): number {
  const steps = state.operations().flatMap((operation) => operation.steps);
  return steps.filter(({ attempts }) => attempts > 1).length;
}

/** Why operations have failed: none should. */
function failuresIn(state: EngineState): string {
  const failed = state.operations().filter(({ status }) => status === "Failed");
  return `failed: ${JSON.stringify(failed.map(({ error, steps }) => [error, steps.at(-1)]))}`;
}

async function expectNothingLost(engines: Engines, seed: number): Promise<void> {
  using folder = temporaryFolder();
  const settings = {
    ...(await compiledIn(folder.path, { engines: engines.settings })),
    ...engines.settings,
    LOCAL_INSTALL_SECONDS: "1",
    WORKERS: "4",
  };
  await using fleet = await Fleet.start(settings, {
    web: "frontend",
    forward: "forwarder",
    one: "backend",
    two: "backend",
  });
  const counts: UserCounts = {
    creates: 0,
    scales: 0,
    tags: 0,
    deletes: 0,
    unanswered: 0,
  };
  const users = Array.from({ length: userCount }, (_, index) => {
    const chance = new SeededChance(1_000 * seed + index);
    const web = async (): Promise<RpProcess> => fleet.untilUp("web");
    return new ClusterUser({ name: `c${index}`, web, chance, counts });
  });

  await announceSubscription(fleet.process("web"), "Registered");
  const { state } = engines;
  const isEnough = (): boolean =>
    Object.values(counts).every((count) => count > 0) && stepsBegunAgain(state) > 0;
  const over = new AbortController();
  const lives = Promise.all(users.map(async (user) => user.live(over.signal)));
  const chance = new SeededChance(seed);
  const killing = killAtRandom({ fleet, engines, users, chance, isEnough, signal: over.signal });
  try {
    // a user who finds a fault ends the test at once
    await Promise.race([killing, lives]);
  } catch (error) {
    throw new Error(`${String(error)}; ${failuresIn(state)}`, { cause: error });
  } finally {
    over.abort();
    await Promise.allSettled([killing]);
  }
  await lives;
  await Promise.all(users.map(async (user) => user.settle()));
  await expect.poll(() => state.messageCount(), { timeout: 120_000 }).toBe(0);
  for (const exit of await fleet.stop()) expect(exit).toEqual({ code: 0, signal: null });

  expect(engines.faults()).toBe("");
  const wanted = users.flatMap(({ name, goal }) =>
    goal === undefined ? [] : [{ name, write: goal.write, workers: goal.workers }],
  );
  const stored = state.clusters().map(({ name, cluster }) => ({
    name,
    write: cluster.tags?.["write"],
    workers: cluster.workers[0]?.count,
  }));
  expect(stored).toEqual(wanted.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
  for (const { provisioningState, name } of state.clusters()) {
    expect(provisioningState, name).toBe("Succeeded");
  }

  const operations = state.operations();
  for (const operation of operations) {
    if (operation.status === "Canceled") expectStepsUntilCanceled(operation);
    else expectEveryStepOnce(operation);
  }
}

test("under the default settings a killed process's work goes on within about ten seconds after its restart", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "3" };
  const before = await RpProcess.start({
    ...settings,
    ...signalsItself({ line: /\/c".*"phase":"DeployResources"/, signal: "SIGKILL" }),
  });
  const names = ["a", "b", "c"];
  for (const name of names) expect(await putCluster(before, name)).toBe(201);
  expect((await before.exit()).signal).toBe("SIGKILL");
  await using after = await RpProcess.start(settings);
  const restartedAt = performance.now();
  // this one was in hand: its message comes back when nobody has kept it hidden for long enough
  await after.logged(
    ({ resourceId, outcome }) => String(resourceId).endsWith("/c") && outcome === "done",
  );
  // lease 6 s, visibility 8 s, poll 0.5 s; the rest is what a busy machine adds
  expect(performance.now() - restartedAt).toBeLessThan(20_000);
  // the sweep, which comes later and would do it too, says so
  expect(after.log.filter(({ sweeps }) => sweeps !== undefined)).toEqual([]);
  for (const name of names) await untilState(after, name, "Succeeded");
});
