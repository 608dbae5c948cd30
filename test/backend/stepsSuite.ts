/**
 * What every installer's steps must stand: being run twice, a crash after each save and after each step, a refusal in the
 * middle, an abort. It drives the steps one by one as the backend does, over a turned clock and a document in memory; it must
 * not know any installer.
 */
import assert from "node:assert/strict";
import { describe, expect, it } from "vitest";
import { saved, snapshotOf } from "../../src/backend/changes.ts";
import type { ClusterAndOperation } from "../../src/backend/fencedCluster.ts";
import type {
  InstallationChanges,
  Installer,
  Step,
  StepContext,
  StepResult,
} from "../../src/installers/installer.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import type { OperationKind } from "../../src/model/provisioningState.ts";
import { systemRandom, type Random } from "../../src/runtime/ids.ts";
import { settled, TestClock } from "../runtime/testClock.ts";

/** Everything that an installer may take time and chance from. */
export interface SuiteEffects {
  readonly clock: TestClock;
  readonly random: Random;
}

export type MakeInstaller = (effects: SuiteEffects) => Installer;

const goal: Cluster = {
  location: "eastus",
  network: {
    vnetCidr: "10.0.0.0/16",
    podCidr: "10.128.0.0/14",
    serviceCidr: "172.30.0.0/16",
  },
  controlPlane: { vmSize: "Standard_D8s_v3" },
  workers: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
};

const pullSecret = '{"auths":{"registry.example":{"auth":"c3RlcHMgc3VpdGU="}}}';
/** More *agains* of one step than any sane installer needs. */
const againsMax = 1_000;

/** A cluster whose create has not begun. */
export function newCluster(changed: Partial<ClusterDocument> = {}): ClusterDocument {
  return {
    kind: "cluster",
    id: "group|first",
    subscriptionId: "00000000-0000-4000-8000-000000000000",
    schemaVersion: 1,
    resourceId:
      "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/group" +
      "/providers/RedHat.OpenShift/OpenShiftClusters/First",
    resourceGroup: "group",
    name: "First",
    incarnationId: "11111111-1111-4111-8111-111111111111",
    provisioningState: "Creating",
    revision: "1",
    cluster: goal,
    secrets: { pullSecret },
    operation: { id: "create-operation", kind: "create", correlationId: "correlation" },
    unqueued: false,
    sweepAfter: 0,
    sweeps: 0,
    nextAttemptAt: 0,
    work: { epoch: 1, owner: "owner", attempts: 1 },
    installation: {},
    ...changed,
  };
}

/** The same cluster when a create has succeeded and an update asks for more workers. */
export function updateOf(created: ClusterDocument): ClusterDocument {
  return {
    ...created,
    provisioningState: "Updating",
    applied: created.cluster,
    cluster: {
      ...created.cluster,
      workers: created.cluster.workers.map((profile) => ({ ...profile, count: profile.count + 2 })),
    },
    operation: { id: "update-operation", kind: "update", correlationId: "correlation" },
  };
}

/** The same cluster when it is to be deleted, in whatever state it is. */
export function deleteOf(document: ClusterDocument): ClusterDocument {
  return {
    ...document,
    provisioningState: "Deleting",
    operation: { id: "delete-operation", kind: "delete", correlationId: "correlation" },
  };
}

/** Where a run can be made to end. Each is told how often it was reached before. */
interface Hooks {
  readonly beforeSave?: (index: number) => void;
  readonly afterSave?: (index: number) => void;
  /** A step has ended, but what it brings is not stored yet. */
  readonly afterStep?: (index: number) => void;
  readonly onGuard?: (index: number) => void;
}

class Crash extends Error {
  override readonly name = "Crash";
}

/** Drives the steps of one cluster as the backend does, but lets a test end it anywhere. */
export class StepsRun {
  readonly clock: TestClock;
  readonly #installer: Installer;
  #document: ClusterDocument;
  readonly #reached = { save: 0, step: 0, guard: 0 };

  constructor(options: {
    readonly installer: MakeInstaller;
    readonly document: ClusterDocument;
    readonly startAt?: number;
    readonly random?: Random;
  }) {
    const { installer, document, startAt, random = systemRandom } = options;
    this.clock = new TestClock(startAt);
    this.#installer = installer({ clock: this.clock, random });
    this.#document = document;
  }

  get document(): ClusterDocument {
    return this.#document;
  }

  /** The document becomes another, as when a new operation begins. */
  become(document: ClusterDocument): void {
    this.#document = document;
  }

  get steps(): readonly Step[] {
    const kind: OperationKind = this.#document.operation.kind;
    return this.#installer.phases[kind].flatMap(({ steps }) => steps);
  }

  /** Runs an operation to its end; after a `Crash` of a hook, from the step in which it happened. */
  async operation(hooks: Hooks = {}): Promise<ClusterDocument> {
    for (const step of this.steps) {
      const startedAt = this.clock.now();
      for (;;) {
        try {
          this.apply(await this.step(step, { startedAt, hooks }));
          break;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
        }
      }
    }
    return this.#document;
  }

  /** Runs one step to its end, over *agains*. What it brings at the end is not applied. */
  async step(
    step: Step,
    options: { readonly startedAt: number; readonly hooks?: Hooks },
  ): Promise<InstallationChanges> {
    for (let agains = 0; agains <= againsMax; agains += 1) {
      const result = await this.#turned(this.begin(step, options).result);
      if (result.done) {
        options.hooks?.afterStep?.(this.#reached.step++);
        return result.changes ?? {};
      }
      assert.ok(result.againAfterMs > 0, `${step.name}: again at once`);
      this.apply(result.changes ?? {});
      await this.clock.advance(result.againAfterMs);
      assert.ok(
        this.clock.now() - options.startedAt < step.deadlineMs,
        `${step.name}: past its deadline`,
      );
    }
    throw new Error(`${step.name} has asked to be called again more than ${againsMax} times`);
  }

  /** Begins a step once, and leaves the clock alone. */
  begin(
    step: Step,
    options: {
      readonly startedAt: number;
      readonly hooks?: Hooks;
      readonly signal?: AbortSignal;
    },
  ): { readonly result: Promise<StepResult> } {
    const { startedAt, hooks = {}, signal = new AbortController().signal } = options;
    const { clock } = this;
    const snapshot = (): StepContext["snapshot"] => snapshotOf(this.#document);
    const context: StepContext = {
      get snapshot() {
        return snapshot();
      },
      startedAt,
      get now() {
        return clock.now();
      },
      signal,
      guard: () => {
        signal.throwIfAborted();
        hooks.onGuard?.(this.#reached.guard++);
      },
      save: async (changes) => {
        const index = this.#reached.save++;
        hooks.beforeSave?.(index);
        await settled();
        this.apply(changes);
        hooks.afterSave?.(index);
      },
    };
    return { result: step.run(context) };
  }

  /** Stores changes as the backend does. A secret that is stored must stay what it is. */
  apply(changes: InstallationChanges): void {
    const before = this.#document;
    const operation: ClusterAndOperation["operation"] = {
      kind: "operation",
      id: before.operation.id,
      subscriptionId: before.subscriptionId,
      schemaVersion: 1,
      operationKind: before.operation.kind,
      resourceId: before.resourceId,
      resourceGroup: before.resourceGroup,
      name: before.name,
      location: "eastus",
      status: "InProgress",
      startedAt: 0,
      percentComplete: 0,
      steps: [],
      requestId: "request",
      correlationId: "correlation",
    };
    const { cluster } = saved(changes)({ cluster: before, operation });
    // as a store would keep it
    this.#document = structuredClone(cluster);
    assert.deepEqual({ ...this.#document.secrets, ...before.secrets }, this.#document.secrets);
  }

  /** Waits for what needs real time, and turns the clock as soon as it is waited for. */
  async #turned<T>(run: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    run.then(end, end);
    for (;;) {
      await settled();
      if (ended) return run;
      if (this.clock.sleeping > 0) await this.clock.advance(10);
    }
  }
}

/** The situations from which operations start. */
const starts: readonly {
  readonly title: string;
  readonly document: (created: ClusterDocument) => ClusterDocument;
}[] = [
  { title: "create", document: () => newCluster() },
  { title: "update", document: updateOf },
  {
    title: "update of nothing",
    document: (created) => ({ ...updateOf(created), cluster: created.cluster }),
  },
  { title: "delete", document: deleteOf },
  { title: "delete of a cluster never begun", document: () => deleteOf(newCluster()) },
];

/** Runs the suite. */
export function stepsSuite(options: {
  readonly name: string;
  readonly installer: MakeInstaller;
}): void {
  const { name, installer } = options;

  const startRun = (document: ClusterDocument, startAt?: number): StepsRun =>
    new StepsRun({ installer, document, ...(startAt === undefined ? {} : { startAt }) });
  const created = async (): Promise<ClusterDocument> => startRun(newCluster()).operation();

  describe(`the steps of the ${name} installer`, () => {
    it("have unique names and deadlines in every operation", () => {
      for (const { document } of starts) {
        const { steps } = startRun(document(newCluster()));
        expect(steps.length).toBeGreaterThan(0);
        expect(new Set(steps.map((step) => step.name)).size).toBe(steps.length);
        for (const step of steps) {
          expect(step.name).toMatch(/^[A-Z][A-Za-z]+$/);
          expect(step.deadlineMs).toBeGreaterThan(0);
        }
      }
    });

    it("leave a cluster that can be deleted wherever a create crashes", async () => {
      let crashes = 0;
      for (const place of ["beforeSave", "afterSave", "afterStep"] as const) {
        for (let at = 0; ; at += 1) {
          const run = startRun(newCluster());
          const crashed = await endsAt(run, { [place]: throwAt(at, new Crash()) });
          if (!crashed) break;
          crashes += 1;
          run.become(deleteOf(run.document));
          await run.operation();
        }
      }
      expect(crashes).toBeGreaterThan(0);
    });

    describe.each(starts)("$title", ({ document }) => {
      const start = async (): Promise<ClusterDocument> => document(await created());

      it("changes nothing when each step is run twice in a row", async () => {
        const run = startRun(await start());
        for (const step of run.steps) {
          const startedAt = run.clock.now();
          run.apply(await run.step(step, { startedAt }));
          const once = run.document;
          run.apply(await run.step(step, { startedAt }));
          expect({ step: step.name, document: run.document }).toEqual({
            step: step.name,
            document: once,
          });
        }
      });

      it("ends alike when all of it is run twice", async () => {
        const run = startRun(await start());
        const once = await run.operation();
        expect(await run.operation()).toEqual(once);
      });

      it.each(["beforeSave", "afterSave", "afterStep"] as const)(
        "ends alike after a crash at any one %s, and at all of them",
        async (place) => {
          const from = await start();
          const straight = await startRun(from).operation();
          // whatever differs between two straight runs is chance or time
          const another = await startRun(from, Date.UTC(2027, 5, 5)).operation();
          let total = 0;
          await startRun(from).operation({
            [place]: () => {
              total += 1;
            },
          });
          for (let at = 0; at < total; at += 1) {
            const run = startRun(from);
            const after = await run.operation({ [place]: throwAt(at, new Crash()) });
            expect(withoutChance(after, [straight, another]), `crash at ${at}`).toEqual(
              withoutChance(straight, [straight, another]),
            );
          }
          const run = startRun(from);
          const seen = new Set<string>();
          const after = await run.operation({
            [place]: () => {
              // a place is known by what is stored when it is reached
              const mark = JSON.stringify(run.document);
              if (seen.has(mark)) return;
              seen.add(mark);
              throw new Crash();
            },
          });
          expect(withoutChance(after, [straight, another])).toEqual(
            withoutChance(straight, [straight, another]),
          );
        },
      );

      it.each(["onGuard", "beforeSave", "afterSave"] as const)(
        "lets a refusal at any %s through, and writes no more",
        async (place) => {
          const from = await start();
          for (let at = 0; ; at += 1) {
            const run = startRun(from);
            const refusal = new Error("superseded");
            let stored: ClusterDocument | undefined;
            const refuseAt = (here: typeof place, index: number): void => {
              if (here !== place || index !== at) return;
              stored = run.document;
              throw refusal;
            };
            const refused = await endsAt(run, {
              onGuard: (index) => refuseAt("onGuard", index),
              beforeSave: (index) => {
                assert.equal(stored, undefined, "a write after the refusal");
                refuseAt("beforeSave", index);
              },
              afterSave: (index) => refuseAt("afterSave", index),
            });
            if (!refused) break;
            await settled();
            expect(run.document).toBe(stored);
          }
        },
      );

      it("comes to rest when its signal is aborted", async () => {
        const run = startRun(await start());
        for (const step of run.steps) {
          const startedAt = run.clock.now();
          const abort = new AbortController();
          const { result } = run.begin(step, { startedAt, signal: abort.signal });
          const outcome = Promise.allSettled([result]);
          await settled();
          abort.abort(new Error("stop"));
          // without turning the clock
          await outcome;
          expect({ step: step.name, sleeping: run.clock.sleeping }).toEqual({
            step: step.name,
            sleeping: 0,
          });
          run.apply(await run.step(step, { startedAt }));
        }
      });

      it("keeps every secret out of the notes", async () => {
        const { secrets, installation } = await startRun(await start()).operation();
        const notes = JSON.stringify(installation);
        for (const secret of Object.values(secrets)) {
          expect(notes).not.toContain(JSON.stringify(secret).slice(1, -1));
        }
        expect(notes).not.toContain("PRIVATE KEY");
      });
    });
  });
}

function throwAt(at: number, error: Error): (index: number) => void {
  return (index) => {
    if (index === at) throw error;
  };
}

/** Runs an operation until a hook ends it; false if none did. Any other error is thrown. */
async function endsAt(run: StepsRun, hooks: Hooks): Promise<boolean> {
  const thrown: unknown[] = [];
  const recording = Object.fromEntries(
    Object.entries(hooks).map(([place, hook]: [string, (index: number) => void]) => [
      place,
      (index: number) => {
        try {
          hook(index);
        } catch (error) {
          thrown.push(error);
          throw error;
        }
      },
    ]),
  ) as Hooks;
  for (const step of run.steps) {
    try {
      run.apply(await run.step(step, { startedAt: run.clock.now(), hooks: recording }));
    } catch (error) {
      assert.ok(thrown.length === 1 && thrown[0] === error, "the hook's own error comes through");
      return true;
    }
  }
  assert.equal(thrown.length, 0, "the hook's error was swallowed");
  return false;
}

/** A value without the parts in which the samples differ. */
function withoutChance(value: unknown, samples: readonly [unknown, unknown]): unknown {
  const [one, other] = samples;
  if (isRecord(one) && isRecord(other) && isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        withoutChance(member, [one[name], other[name]]),
      ]),
    );
  }
  return JSON.stringify(one) === JSON.stringify(other) ? value : `any ${typeof value}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
