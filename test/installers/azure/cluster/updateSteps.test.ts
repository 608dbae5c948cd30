/** The steps of an update, over a cluster's API: what they change in a cluster, and what they leave alone. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import {
  setWorkerCounts,
  waitForWorkers,
} from "../../../../src/installers/azure/cluster/scaleWorkers.ts";
import { setCredentials } from "../../../../src/installers/azure/cluster/setCredentials.ts";
import { spread } from "../../../../src/installers/azure/cluster/workerSets.ts";
import type { Installer, Step, StepResult } from "../../../../src/installers/installer.ts";
import type { ClusterDocument } from "../../../../src/model/document.ts";
import { withGoalGivenUp, withGoalReached } from "../../../../src/model/clusterSecrets.ts";
import { TerminalError } from "../../../../src/model/rpError.ts";
import { newCluster, StepsRun, updateOf } from "../../../backend/stepsSuite.ts";
import { ClusterAnswerer } from "../clusterAnswerer.ts";
import { pollMs, StepRun } from "../clusterSteps.ts";
import { infraId, UpdatedCluster } from "../updatedCluster.ts";

let answerer: ClusterAnswerer;
let cluster: UpdatedCluster;
beforeAll(async () => {
  answerer = await ClusterAnswerer.start();
});
afterAll(async () => answerer[Symbol.asyncDispose]());

const pool = (zone: number | ""): string => `${infraId}-worker-eastus${zone}`;
beforeEach(() => {
  cluster = new UpdatedCluster({ [pool(1)]: 1, [pool(2)]: 1, [pool(3)]: 1 });
  answerer.reply = cluster.reply;
  answerer.takeCalls();
});

/** A cluster that was installed with three workers. */
function installed(): ClusterDocument {
  const document = newCluster();
  return {
    ...document,
    applied: document.cluster,
    cluster: document.cluster,
    secrets: withGoalReached({ ...document.secrets, adminKubeconfig: answerer.kubeconfig() }),
    installation: { azure: { infraId } satisfies AzureNotes },
  };
}

function scaledTo(count: number, from = installed()): ClusterDocument {
  const update = updateOf(from);
  return {
    ...update,
    cluster: {
      ...from.cluster,
      workers: from.cluster.workers.map((profile) => ({ ...profile, count })),
    },
  };
}

function notesOf({ installation }: ClusterDocument): AzureNotes {
  return installation["azure"] as AzureNotes;
}

type MakeStep = (effects: AzureEffects) => Step;
const startRun = (step: MakeStep, document: ClusterDocument): StepRun =>
  new StepRun({ document, step });

async function endOf(run: StepRun): Promise<TerminalError> {
  const error: unknown = await run.begin().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TerminalError);
  return error as TerminalError;
}

function sorted(counts: readonly number[]): readonly number[] {
  return counts.toSorted((one, other) => one - other);
}

const again: StepResult = { done: false, againAfterMs: pollMs };

describe("a count that is spread", () => {
  const counts = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 });
  const total = fc.nat({ max: 60 });
  const movesOf = (from: readonly number[], to: readonly number[]): number =>
    to.reduce((sum, count, index) => sum + Math.abs(count - (from[index] ?? 0)), 0);

  it("is the sum, with no set two ahead of another", () => {
    fc.assert(
      fc.property(counts, total, (before, sum) => {
        const after = spread(before, sum);
        expect(after).toHaveLength(before.length);
        expect(after.reduce((one, other) => one + other, 0)).toBe(sum);
        expect(Math.max(...after) - Math.min(...after)).toBeLessThanOrEqual(1);
        expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("moves no more machines than any other even way would", () => {
    const small = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(small, fc.nat({ max: 20 }), (before, sum) => {
        const least = Math.floor(sum / before.length);
        const rest = sum % before.length;
        // every choice of the sets that have one more
        const ways = Array.from({ length: 2 ** before.length }, (_, choice) =>
          before.map((_count, index) => least + ((choice >> index) & 1)),
        ).filter(
          (way) => way.reduce((one, other) => one + other, 0) === least * before.length + rest,
        );
        expect(movesOf(before, spread(before, sum))).toBe(
          Math.min(...ways.map((way) => movesOf(before, way))),
        );
      }),
    );
  });

  it("stays once it is even, and comes out alike from wherever a crash has left it", () => {
    fc.assert(
      fc.property(counts, total, fc.nat({ max: 6 }), (before, sum, done) => {
        const after = spread(before, sum);
        expect(spread(after, sum)).toEqual(after);
        const halfway = after.map((count, index) => (index < done ? count : (before[index] ?? 0)));
        const ended = spread(halfway, sum);
        expect(sorted(ended)).toEqual(sorted(after));
      }),
    );
  });
});

describe("SetWorkerCounts", () => {
  it("spreads the count over the sets of the pool, and leaves all others alone", async () => {
    for (const other of [
      `${infraId}-worker-gpu`,
      `${infraId}-worker-eastus2x`,
      `${infraId}-infra-eastus1`,
    ]) {
      cluster.addSet(other, 7);
    }
    const run = startRun(setWorkerCounts, scaledTo(5));
    expect(await run.begin()).toEqual({ done: true });
    expect(cluster.counts).toEqual({
      // as the program that made them would
      [pool(1)]: 2,
      [pool(2)]: 2,
      [pool(3)]: 1,
      [`${infraId}-worker-gpu`]: 7,
      [`${infraId}-worker-eastus2x`]: 7,
      [`${infraId}-infra-eastus1`]: 7,
    });
    expect(cluster.sets.get(pool(1))?.spec.template).toEqual({ kept: true });
    expect(notesOf(run.document).unsettled).toEqual(["workers"]);
  });

  it("changes nothing more when it is begun again", async () => {
    const run = startRun(setWorkerCounts, scaledTo(5));
    await run.begin();
    answerer.takeCalls();
    const { document } = run;
    await run.begin();
    expect(answerer.takeCalls().filter((call) => !call.startsWith("GET"))).toEqual([]);
    expect(run.document).toEqual(document);
  });

  it("scales the one set of a region without zones, whose name its user has spelt otherwise", async () => {
    cluster = new UpdatedCluster({ [pool("")]: 3 });
    answerer.reply = cluster.reply;
    const document = scaledTo(9);
    const spelt = { ...document, cluster: { ...document.cluster, location: "East US" } };
    expect(await startRun(setWorkerCounts, spelt).begin()).toEqual({ done: true });
    expect(cluster.counts).toEqual({ [pool("")]: 9 });
  });

  it.each([3, 2, 0])(
    "asks no cluster when only tags have changed (%i times an attempt)",
    async () => {
      answerer.reply = () => "hang";
      const document = {
        ...updateOf(installed()),
        cluster: { ...installed().cluster, tags: { a: "b" } },
      };
      for (const step of [setCredentials, setWorkerCounts, waitForWorkers]) {
        const run = startRun(step, document);
        expect(await run.begin()).toEqual({ done: true });
        expect(run.document).toEqual(document);
      }
      expect(answerer.calls).toEqual([]);
    },
  );

  it("reads again when somebody else changes a set meanwhile", async () => {
    let changes = 0;
    cluster.beforePatch = (name) => {
      changes += 1;
      // an autoscaler, twice
      if (changes <= 2) cluster.change(name, 4);
    };
    expect(await startRun(setWorkerCounts, scaledTo(6)).begin()).toEqual({ done: true });
    expect(cluster.counts).toEqual({ [pool(1)]: 2, [pool(2)]: 2, [pool(3)]: 2 });
    expect(changes).toBeGreaterThan(3);
  });

  it("doesn't fight for ever with somebody who never stops", async () => {
    let replicas = 10;
    cluster.beforePatch = (name) => cluster.change(name, replicas++);
    const run = startRun(setWorkerCounts, scaledTo(6));
    expect(await run.begin()).toEqual(again);
    expect(answerer.takeCalls().filter((call) => call.startsWith("PATCH")).length).toBeLessThan(10);
    run.clock.skip(15 * 60_000);
    expect((await endOf(run)).message).toContain("answered 409 Conflict.");
  });

  it("notes before it changes anything, and asks whether it still may", async () => {
    const refusal = new Error("superseded");
    const run = startRun(setWorkerCounts, scaledTo(6));
    await expect(
      run.begin({
        onGuard: () => {
          expect(notesOf(run.document).unsettled).toEqual(["workers"]);
          throw refusal;
        },
      }),
    ).rejects.toBe(refusal);
    expect(cluster.counts).toEqual({ [pool(1)]: 1, [pool(2)]: 1, [pool(3)]: 1 });
  });

  it("comes out even after a lost answer", async () => {
    let lost = false;
    answerer.reply = (call) => {
      const answer = cluster.reply(call);
      if (call.method !== "PATCH" || lost) return answer;
      lost = true;
      return "break";
    };
    const run = startRun(setWorkerCounts, scaledTo(8));
    expect(await run.begin()).toEqual(again);
    expect(await run.begin()).toEqual({ done: true });
    expect(sorted(Object.values(cluster.counts))).toEqual([2, 3, 3]);
  });

  it("ends the operation when the pool has no sets any more", async () => {
    cluster.sets.clear();
    const end = await endOf(startRun(setWorkerCounts, scaledTo(6)));
    expect(end.code).toBe("InstallationFailed");
    expect(end.message).toContain(`'${infraId}-worker-eastus'`);
  });

  it("goes on asking an API that doesn't answer or answers nonsense, and tells of it in the end", async () => {
    const run = startRun(setWorkerCounts, scaledTo(6));
    for (const reply of [{ status: 500 }, { body: { items: 5 } }, { body: {} }] as const) {
      answerer.reply = () => reply;
      expect(await run.begin()).toEqual(again);
    }
    answerer.reply = () => ({ body: { items: [{ metadata: { name: pool(1) } }, null, 5] } });
    run.clock.skip(15 * 60_000);
    const end = await endOf(run);
    expect(end.code).toBe("StepTimedOut");
    expect(end.message).toContain("a machine set that can't be read");
  });

  it("ends the operation of a cluster whose kubeconfig isn't known", async () => {
    const { adminKubeconfig: _, ...secrets } = installed().secrets;
    const end = await endOf(startRun(setWorkerCounts, { ...scaledTo(6), secrets }));
    expect(end.code).toBe("InstallationFailed");
  });
});

describe("WaitForWorkers", () => {
  const scaling = async (count: number): Promise<StepRun> => {
    const set = startRun(setWorkerCounts, scaledTo(count));
    await set.begin();
    return startRun(waitForWorkers, set.document);
  };

  it("is done when all machines are ready, and notes that nothing is open", async () => {
    const run = await scaling(5);
    expect(await run.begin()).toEqual(again);
    cluster.follow();
    expect((await run.begin()).done).toBe(true);
    expect(notesOf(run.document)).toEqual({ infraId, unsettled: [] });
    answerer.takeCalls();
    expect(await run.begin()).toEqual({ done: true });
    expect(answerer.takeCalls()).toEqual([]);
  });

  it("waits for machines that are being removed, which count for no set any more", async () => {
    cluster.change(pool(1), 6);
    cluster.follow();
    const run = await scaling(4);
    const before = cluster.machines;
    cluster.follow();
    cluster.machines = before;
    expect(await run.begin()).toEqual(again);
    run.clock.skip(60 * 60_000);
    expect((await endOf(run)).message).toContain("8 machines where 4 are asked for");
    cluster.follow();
    expect((await run.begin()).done).toBe(true);
  });

  it("doesn't believe a status of before the change", async () => {
    const run = await scaling(6);
    cluster.follow();
    cluster.change(pool(1), 2);
    expect(await run.begin()).toEqual(again);
  });

  it("tells what is wrong with a machine, or which sets wait", async () => {
    const run = await scaling(6);
    run.clock.skip(60 * 60_000);
    expect((await endOf(run)).message).toContain(`${pool(1)} has 1 of 2 ready`);
    cluster.addMachine(pool(1), 9, "QuotaExceeded: 0 cores left\n\u202e");
    const end = await endOf(run);
    expect(end.code).toBe("StepTimedOut");
    expect(end.message).toContain(`Last seen: ${pool(1)}-9: QuotaExceeded: 0 cores left??`);
  });
});

describe("an update after one that failed", () => {
  /** The document as the backend leaves it then. */
  const failed = (document: ClusterDocument): ClusterDocument => ({
    ...document,
    cluster: document.applied ?? document.cluster,
    secrets: withGoalGivenUp(document.secrets),
  });

  it("brings the workers to its own goal, even the one before", async () => {
    const first = startRun(setWorkerCounts, scaledTo(9));
    await first.begin();
    const second = startRun(setWorkerCounts, updateOf(failed(first.document)));
    second.become({ ...second.document, cluster: installed().cluster });
    await second.begin();
    expect(cluster.counts).toEqual({ [pool(1)]: 1, [pool(2)]: 1, [pool(3)]: 1 });
  });

  it("waits for the workers even if they were asked for already", async () => {
    const first = startRun(setWorkerCounts, scaledTo(9));
    await first.begin();
    const retried = scaledTo(9, failed(first.document));
    const set = startRun(setWorkerCounts, retried);
    await set.begin();
    const wait = startRun(waitForWorkers, set.document);
    expect(await wait.begin()).toEqual(again);
    cluster.follow();
    expect((await wait.begin()).done).toBe(true);
  });
});

describe("SetCredentials", () => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const pullKey = "openshift-config/pull-secret";
  const principalKey = "kube-system/azure-credentials";
  beforeEach(() => {
    cluster.secrets.set(pullKey, { ".dockerconfigjson": base64("{}") });
    cluster.secrets.set(principalKey, { azure_client_id: base64("old"), azure_region: "kept" });
  });

  it("sets another pull secret, and nothing else", async () => {
    const document = updateOf(installed());
    const run = startRun(setCredentials, {
      ...document,
      cluster: installed().cluster,
      secrets: { ...document.secrets, pullSecret: '{"auths":{"new":{}}}' },
    });
    expect(await run.begin()).toEqual({ done: true });
    expect(cluster.secrets.get(pullKey)).toEqual({
      ".dockerconfigjson": base64('{"auths":{"new":{}}}'),
    });
    expect(cluster.secrets.get(principalKey)?.["azure_client_id"]).toBe(base64("old"));
    expect(notesOf(run.document).unsettled).toEqual(["pullSecret"]);
    answerer.takeCalls();
    expect(await run.begin()).toEqual({ done: true });
    expect(answerer.takeCalls()).toEqual([
      `GET /api/v1/namespaces/openshift-config/secrets/pull-secret`,
    ]);
  });

  it("sets another service principal, or its secret alone, and keeps what else is there", async () => {
    const document = updateOf(installed());
    const run = startRun(setCredentials, {
      ...document,
      cluster: { ...installed().cluster, clientId: "new" },
      secrets: { ...document.secrets, clientSecret: "sesame" },
    });
    await run.begin();
    expect(cluster.secrets.get(principalKey)).toEqual({
      azure_client_id: base64("new"),
      azure_client_secret: base64("sesame"),
      azure_region: "kept",
    });
    expect(answerer.takeCalls().join()).not.toContain("pull-secret");
    expect(JSON.stringify(run.document.installation)).not.toContain("sesame");
  });

  it("notes before it changes anything, and asks whether it still may", async () => {
    const document = updateOf(installed());
    const run = startRun(setCredentials, {
      ...document,
      secrets: { ...document.secrets, pullSecret: '{"auths":{"new":{}}}' },
    });
    const refusal = new Error("superseded");
    await expect(
      run.begin({
        onGuard: () => {
          expect(notesOf(run.document).unsettled).toEqual(["pullSecret"]);
          throw refusal;
        },
      }),
    ).rejects.toBe(refusal);
    expect(cluster.secrets.get(pullKey)).toEqual({ ".dockerconfigjson": base64("{}") });
  });

  it("takes back what an update has set that failed later", async () => {
    const document = installed();
    const { pullSecret } = document.secrets;
    const first = startRun(setCredentials, {
      ...updateOf(document),
      secrets: { ...document.secrets, pullSecret: '{"auths":{"new":{}}}' },
    });
    await first.begin();
    const second = startRun(setCredentials, {
      ...updateOf(first.document),
      cluster: document.cluster,
      applied: document.cluster,
      secrets: withGoalGivenUp(first.document.secrets),
    });
    await second.begin();
    expect(cluster.secrets.get(pullKey)).toEqual({ ".dockerconfigjson": base64(pullSecret ?? "") });
  });

  it("tells in the end that the cluster refuses, without what it was to set", async () => {
    const document = updateOf(installed());
    const run = startRun(setCredentials, {
      ...document,
      secrets: { ...document.secrets, clientSecret: "sesame" },
    });
    answerer.reply = ({ method, body }) =>
      method === "GET" ? { body: {} } : { status: 422, body: { reason: "Invalid", message: body } };
    expect(await run.begin()).toEqual(again);
    run.clock.skip(15 * 60_000);
    const end = await endOf(run);
    expect(end.message).toContain("answered 422 Invalid.");
    expect(`${end.stack}`).not.toMatch(/sesame|c2VzYW1l/);
  });
});

describe("an update as a whole", () => {
  const installer = (effects: Partial<AzureEffects>): Installer => {
    const all = { pollMs, ...effects } as AzureEffects;
    const steps = [setCredentials, setWorkerCounts, waitForWorkers].map((step) => step(all));
    return {
      name: "azure",
      phases: { create: [], update: [{ name: "ScaleWorkers", steps }], delete: [] },
    };
  };

  it("ends with the same cluster when every step is begun twice", async () => {
    const start = scaledTo(10);
    const run = new StepsRun({ installer, document: start });
    for (const step of run.steps) {
      for (const _ of [1, 2]) {
        cluster.follow();
        const { result } = run.begin(step, { startedAt: run.clock.now() });
        const brought = await result;
        expect(brought.done).toBe(true);
        run.apply(brought.changes ?? {});
      }
    }
    expect(sorted(Object.values(cluster.counts))).toEqual([3, 3, 4]);
    expect(notesOf(run.document).unsettled).toEqual([]);
  });
});
