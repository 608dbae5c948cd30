/**
 * A whole resource provider without its frontend, on a turned clock: one database in memory, any number of processes that can
 * crash, pause and stop, and the commits with which a frontend starts operations, written by hand. Nothing in it waits for
 * real time.
 */
import { Backend } from "../../src/backend/backend.ts";
import type { StepEvent } from "../../src/backend/runSteps.ts";
import { Forwarder } from "../../src/forwarder/forwarder.ts";
import type { ClusterDocument, OperationDocument } from "../../src/model/document.ts";
import { clusterLeaseName } from "../../src/model/leaseNames.ts";
import { operationEnded } from "../../src/model/operationRecord.ts";
import { runningState, type OperationKind } from "../../src/model/provisioningState.ts";
import { clusterKey, type DocumentKey } from "../../src/model/resourceId.ts";
import type { Timing } from "../../src/model/timing.ts";
import { encodeWorkMessage } from "../../src/model/workMessage.ts";
import type { Queue } from "../../src/queue/queue.ts";
import { SqliteQueue } from "../../src/queue/sqliteQueue.ts";
import type { Ids, Random } from "../../src/runtime/ids.ts";
import type { Log, LogFields } from "../../src/runtime/log.ts";
import { Nudge } from "../../src/runtime/nudge.ts";
import type { PollFigures } from "../../src/runtime/pollPace.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import type { Store, Stored } from "../../src/store/store.ts";
import { watchedLog } from "../leaks/leakWatch.ts";
import { requestTraceparent, type RecordedTraces } from "../runtime/recordedTraces.ts";
import { TestClock } from "../runtime/testClock.ts";
import { clusterDocument, operationDocument, partition } from "../store/documents.ts";
import { Faults, FaultyQueue, FaultyStore } from "./faults.ts";
import { ProcessClock } from "./processClock.ts";
import { ScriptedInstaller } from "./scriptedInstaller.ts";

export const timing: Timing = { heartbeatMs: 2_000, leaseMs: 6_000, visibilityMs: 8_000 };
const intervalMs = 1_000;

/** A line of the log. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

class NotedLog implements Log {
  readonly #lines: LogLine[];
  readonly #fields: LogFields;

  constructor(lines: LogLine[], fields: LogFields = {}) {
    this.#lines = lines;
    this.#fields = fields;
  }

  debug(fields: LogFields, message: string): void {
    this.#note("debug", fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#note("info", fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#note("warn", fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#note("error", fields, message);
  }

  audit(fields: LogFields, message: string): void {
    this.#note("info", fields, message);
  }

  child(fields: LogFields): Log {
    return new NotedLog(this.#lines, { ...this.#fields, ...fields });
  }

  #note(level: LogLine["level"], fields: LogFields, message: string): void {
    this.#lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}

export interface ProcessOptions {
  readonly name?: string;
  readonly backend?: boolean;
  readonly forwarder?: boolean;
  readonly workers?: number;
  readonly stopGraceMs?: number;
  readonly decide?: Faults["decide"];
  /** The queue as the process has it. */
  readonly queue?: (queue: Queue) => Queue;
  /** The store as the process has it. */
  readonly store?: (store: Store) => Store;
  readonly polling?: PollFigures;
  readonly traces?: RecordedTraces;
}

/** One process: backend and forwarder, unless told otherwise. */
export class SimulatedProcess {
  readonly name: string;
  readonly faults = new Faults();
  readonly clock: ProcessClock;
  readonly log: LogLine[] = [];
  readonly stepEvents: StepEvent[] = [];
  /** What it told for metrics, besides steps. */
  readonly told: (readonly [what: string, value: unknown])[] = [];
  readonly committed: Nudge;
  readonly sent: Nudge;
  readonly backend: Backend;
  /** Absent in a process that is no forwarder. */
  readonly forwarder: Forwarder | undefined;
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(simulation: Simulation, ids: Ids, options: ProcessOptions) {
    const {
      name = "A",
      backend = true,
      forwarder = true,
      workers = 4,
      stopGraceMs = 4_000,
      queue = (shared) => shared,
      store = (shared) => shared,
      polling = { intervalMs },
    } = options;
    this.name = name;
    if (options.decide !== undefined) this.faults.decide = options.decide;
    this.clock = new ProcessClock(simulation.clock);
    this.committed = new Nudge(this.clock);
    this.sent = new Nudge(this.clock);
    simulation.clock.holdWhile(() => this.faults.busy);
    const shared = {
      store: new FaultyStore(store(simulation.store), this.faults),
      queue: new FaultyQueue(queue(simulation.queue), this.faults),
      clock: this.clock,
      ids,
      log: watchedLog(new NotedLog(this.log)),
      timing,
      sent: this.sent,
      polling,
    };
    const tracing = options.traces?.tracing(shared.store, shared.queue);
    const traced = tracing === undefined ? {} : { tracing };
    const random: Random = {
      fraction: () => 0.5,
      integer: () => 0,
      bytes: (count) => new Uint8Array(count),
    };
    this.backend = new Backend({
      ...shared,
      ...traced,
      random,
      workers,
      stopGraceMs,
      installer: simulation.installer.in({ name, isDead: () => this.faults.dead }),
      onStep: (event) => this.stepEvents.push(event),
      onClaim: (claim) => this.told.push(["claim", claim.attempts]),
      onClaimLost: (reason) => this.told.push(["lost", reason]),
      onEnded: (ended) => this.told.push(["ended", ended]),
    });
    const running: Promise<void>[] = [];
    if (backend) running.push(this.backend.run(this.#stop.signal));
    if (forwarder) {
      const own = { location: "eastus", committed: this.committed };
      this.forwarder = new Forwarder({
        ...shared,
        ...traced,
        ...own,
        onMessagesSent: (count) => this.told.push(["sent", count]),
        onFlagged: (count) => this.told.push(["flagged", count]),
        onEnded: (ended) => this.told.push(["ended", ended]),
      });
      running.push(this.forwarder.run(this.#stop.signal));
    }
    this.#ended = Promise.all(running);
  }

  /** Crashes: nothing of it happens any more. */
  kill(): void {
    this.faults.dead = true;
    this.clock.kill();
  }

  /** Stops in good order. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** Asks it to stop, without waiting. */
  askToStop(): Promise<unknown> {
    this.#stop.abort();
    return this.#ended;
  }

  /** The lines of a level, as text. */
  lines(level: LogLine["level"]): readonly string[] {
    return this.log.filter((line) => line.level === level).map(({ message }) => message);
  }
}

/** An operation that was asked for. */
export interface Asked {
  readonly name: string;
  readonly key: DocumentKey;
  readonly operationId: string;
}

export class Simulation implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly store: SqliteStore;
  readonly queue: SqliteQueue;
  readonly installer = new ScriptedInstaller();
  readonly processes: SimulatedProcess[] = [];
  readonly #database: SqliteDatabase;
  #lastId = 0;

  private constructor(database: SqliteDatabase) {
    this.#database = database;
    this.store = new SqliteStore({ database, clock: this.clock });
    this.queue = new SqliteQueue({ database, clock: this.clock });
  }

  static async open(): Promise<Simulation> {
    return new Simulation(await SqliteDatabase.open({ path: ":memory:" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.processes) process.kill();
    await this.clock.settle();
    await this.#database.close();
  }

  start(options: ProcessOptions = {}): SimulatedProcess {
    const ids: Ids = { guid: () => this.id() };
    const process = new SimulatedProcess(this, ids, options);
    this.processes.push(process);
    return process;
  }

  id(): string {
    this.#lastId += 1;
    return `id-${this.#lastId}`;
  }

  /** What a frontend commits for the PUT of a new cluster. */
  async create(
    name = "c1",
    members: Readonly<Partial<ClusterDocument>> & Readonly<Record<string, unknown>> = {},
  ): Promise<Asked> {
    const operationId = this.id();
    const document = clusterDocument(name, {
      operation: {
        id: operationId,
        kind: "create",
        correlationId: `correlation of ${name}`,
        trace: {
          operationId,
          requestId: `request of ${operationId}`,
          traceparent: requestTraceparent,
        },
      },
      sweepAfter: this.clock.now(),
      nextAttemptAt: 0,
      incarnationId: this.id(),
      ...members,
    });
    const key = clusterKey({ subscriptionId: partition, resourceGroup: "rg", name });
    await this.store.commit(partition, [
      { create: document },
      { create: this.#record(operationId, document, "create") },
    ]);
    this.#nudge();
    return { name, key, operationId };
  }

  /** What a frontend commits for a change of an idle cluster. */
  async update(name: string, tags: Readonly<Record<string, string>> = {}): Promise<Asked> {
    return this.#startOn(name, "update", (document) => ({
      ...document,
      cluster: { ...document.cluster, tags },
    }));
  }

  /** What a frontend commits for a DELETE in any state: what runs is canceled in the same commit. */
  async remove(name = "c1"): Promise<Asked> {
    return this.#startOn(name, "delete", (document) => document);
  }

  async #startOn(
    name: string,
    kind: OperationKind,
    change: (document: ClusterDocument) => ClusterDocument,
  ): Promise<Asked> {
    const key = clusterKey({ subscriptionId: partition, resourceGroup: "rg", name });
    const stored = await this.stored(name);
    if (stored === undefined) throw new Error(`no cluster ${name}`);
    const operationId = this.id();
    const current = stored.document;
    const running = await this.store.read("operation", { partition, id: current.operation.id });
    const document: ClusterDocument = {
      ...change(current),
      provisioningState: runningState[kind],
      operation: { id: operationId, kind, correlationId: `correlation of ${name}` },
      unqueued: true,
      sweepAfter: this.clock.now(),
      sweeps: 0,
      nextAttemptAt: 0,
      work: { epoch: current.work.epoch, attempts: 0 },
    };
    const canceled =
      running?.document.status === "InProgress"
        ? [
            {
              replace: running,
              document: operationEnded(running.document, {
                status: "Canceled",
                now: this.clock.now(),
              }),
            },
          ]
        : [];
    await this.store.commit(partition, [
      { replace: stored, document },
      { create: this.#record(operationId, document, kind) },
      ...canceled,
    ]);
    this.#nudge();
    return { name, key, operationId };
  }

  /** A message of this operation, as if one had been delivered twice. */
  async duplicate({ key, operationId }: Asked): Promise<void> {
    await this.queue.send(
      encodeWorkMessage({ partition: key.partition, documentId: key.id, operationId }),
    );
  }

  async stored(name = "c1"): Promise<Stored<ClusterDocument> | undefined> {
    const key = clusterKey({ subscriptionId: partition, resourceGroup: "rg", name });
    return this.store.read("cluster", key);
  }

  async cluster(name = "c1"): Promise<ClusterDocument | undefined> {
    return (await this.stored(name))?.document;
  }

  async record({ operationId }: Asked): Promise<OperationDocument> {
    const stored = await this.store.read("operation", { partition, id: operationId });
    if (stored === undefined) throw new Error(`no record of ${operationId}`);
    return stored.document;
  }

  async leaseRemainingMs({ key }: Asked): Promise<number | undefined> {
    return this.store.leaseRemainingMs(clusterLeaseName(key));
  }

  /** How many messages there are, visible or not. */
  get messages(): number {
    return Number(
      this.#database.statement("SELECT count(*) AS count FROM messages").get()?.["count"],
    );
  }

  /** Removes every message, as a queue might lose them. */
  async loseMessages(): Promise<void> {
    await this.#database.write(() => this.#database.statement("DELETE FROM messages").run());
  }

  /** Makes the text of a cluster unreadable, as a bad disk or a careless hand might. */
  async damage(name: string): Promise<void> {
    await this.damageDocument(
      clusterKey({ subscriptionId: partition, resourceGroup: "rg", name }).id,
    );
  }

  /** The same with any document. */
  async damageDocument(id: string): Promise<void> {
    await this.replaceText(id, '{"kind');
  }

  /** Behind the store's back. */
  async replaceText(id: string, text: string): Promise<void> {
    await this.#database.write(() =>
      this.#database.statement("UPDATE documents SET body = ? WHERE id = ?").run(text, id),
    );
  }

  /** Turns the clock until the operation has ended. */
  async untilEnded(asked: Asked, limitMs = 300_000): Promise<OperationDocument> {
    await this.clock.advanceUntil(async () => (await this.record(asked)).status !== "InProgress", {
      limitMs,
      stepMs: 500,
    });
    return this.record(asked);
  }

  /** Turns the clock until a step was begun so many times. */
  async untilBegun(asked: Asked, step: string, times = 1): Promise<void> {
    await this.clock.advanceUntil(
      () =>
        this.installer.begun(asked.operationId).filter((begun) => begun === step).length >= times,
      { stepMs: 100 },
    );
  }

  #record(id: string, cluster: ClusterDocument, operationKind: OperationKind): OperationDocument {
    const { resourceId, resourceGroup, name } = cluster;
    return operationDocument(id, {
      operationKind,
      resourceId,
      resourceGroup,
      name,
      startedAt: this.clock.now(),
      correlationId: cluster.operation.correlationId,
      requestId: `request of ${id}`,
    });
  }

  #nudge(): void {
    for (const process of this.processes) process.committed.notify();
  }
}
