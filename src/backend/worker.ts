/**
 * The life of one message: claim, heartbeat and steps, then the lease is released and the message completed or put back. Nothing
 * that goes wrong here may reach the process: whatever fails at the end is only logged, because visibility, lease and sweep
 * bring the operation back.
 *
 * It must never complete a message whose operation may still run, and never release a lease under a step that still acts.
 */
import type { ClusterDocument } from "../model/document.ts";
import { originFields, originOf } from "../model/operationOrigin.ts";
import { parseTraceparent } from "../model/traceContext.ts";
import { decodeWorkMessage, type WorkMessage } from "../model/workMessage.ts";
import type { Timing } from "../model/timing.ts";
import type { Queue, ReceivedMessage } from "../queue/queue.ts";
import { MessageLostError } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Ids, Random } from "../runtime/ids.ts";
import type { Log, LogFields } from "../runtime/log.ts";
import type { EndedOperation } from "../runtime/metrics.ts";
import { unrecordedSpan, type Span, type Tracing } from "../runtime/traces.ts";
import type { Store } from "../store/store.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  StoreUnavailableError,
} from "../store/store.ts";
import { givenBack } from "./changes.ts";
import { claimCluster, type ClaimedCluster } from "./claim.ts";
import { loggableFailure } from "./failureReason.ts";
import { FencedCluster, SupersededError } from "./fencedCluster.ts";
import { Heartbeat, LeaseLostError } from "./heartbeat.ts";
import { judgeMessage, type MessageEnd } from "./judgeMessage.ts";
import { retryDelayMs } from "./retryDelay.ts";
import { runSteps, StoppedError, type RunOutcome, type StepEvent } from "./runSteps.ts";
import type { ListedStep, StepLists } from "./stepList.ts";
import { StepRest } from "./stepRest.ts";

/** The ports that a worker asks. */
export interface WorkerEngines {
  readonly store: Store;
  readonly queue: Queue;
}

export interface WorkerOptions {
  readonly tracing: Tracing<WorkerEngines>;
  readonly steps: StepLists;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly timing: Timing;
  /** Aborted when the process stops. */
  readonly stop: AbortSignal;
  /** How long a step may then take to come to rest. */
  readonly restMs: number;
  readonly onStep?: (event: StepEvent) => void;
  readonly onClaim?: (claim: { readonly attempts: number }) => void;
  readonly onClaimLost?: (reason: "lease" | "superseded") => void;
  readonly onEnded?: (ended: EndedOperation) => void;
}

/** How often a message of a cluster that can't be opened is put back: fewer than fit between two messages of the sweep. */
const sealedDeliveriesMax = 100;

/** What the loop has to know: when a message that was put back can be received again. */
export interface WorkerResult {
  readonly dueInMs?: number;
}

/** Handles one message to its end. Never rejects. */
export async function handleMessage(
  received: ReceivedMessage,
  options: WorkerOptions,
): Promise<WorkerResult> {
  try {
    return await new Worker(received, options).run();
  } catch (error) {
    options.log.error({ error }, "a worker broke; its message comes back by itself");
    return {};
  }
}

class Worker {
  readonly #options: WorkerOptions;
  readonly #received: ReceivedMessage;
  readonly #receivedAt: number;
  /** With its latest receipt; `undefined` once it is lost. */
  #message: ReceivedMessage | undefined;
  #logFields: LogFields = {};
  #log: Log;
  /** Of all that is done about the message. */
  #span = unrecordedSpan;
  /** Of the step that runs, or else the same. */
  #stepSpan = unrecordedSpan;
  readonly #engines: WorkerEngines;

  constructor(received: ReceivedMessage, options: WorkerOptions) {
    this.#options = options;
    this.#receivedAt = options.clock.monotonic();
    this.#received = received;
    this.#message = received;
    this.#engines = options.tracing.enginesWithin(
      () => this.#span,
      () => this.#logFields,
    );
    this.#log = options.log;
    this.#logWith({ messageId: received.id, deliveries: received.deliveries });
  }

  async run(): Promise<WorkerResult> {
    const message = decodeWorkMessage(this.#received.body);
    if (message === undefined) {
      this.#log.error({}, "a message is none of ours; it is dropped");
      return this.#endMessage({ action: "complete", reason: "not readable" });
    }
    this.#begin(message);
    try {
      return await this.#process(message);
    } finally {
      this.#span.end();
    }
  }

  /** The span of the message, and the members that tie its lines of the log together. */

  #begin({ documentId, operationId, origin }: WorkMessage): void {
    const { messaging, traces } = this.#options.tracing;
    this.#span = traces.start(`process ${String(messaging["messaging.destination.name"])}`, {
      kind: "consumer",
      parent: parseTraceparent(origin?.traceparent),
      guid: operationId,
      attributes: {
        ...messaging,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": this.#received.id,
        "rp.message.deliveries": this.#received.deliveries,
        "rp.operation.id": operationId,
        "rp.correlation.id": origin?.correlationId,
        "rp.request.id": origin?.requestId,
      },
    });
    this.#stepSpan = this.#span;
    const { traceId } = this.#span.context;
    this.#logWith({ documentId, operationId, ...originFields(origin), traceId });
  }

  async #process(message: WorkMessage): Promise<WorkerResult> {
    if (this.#options.stop.aborted) {
      return this.#endMessage({ action: "putBack", delayMs: 0, reason: "the process stops" });
    }
    return this.#endMessage(await this.#work(message));
  }

  async #work(message: WorkMessage): Promise<MessageEnd> {
    const { timing } = this.#options;
    try {
      const outcome = await claimCluster(message, {
        ...this.#options,
        ...this.#engines,
        log: this.#log,
      });
      if (outcome.action !== "claimed") return outcome;
      return await this.#drive(message, outcome);
    } catch (error) {
      if (error instanceof DocumentUnreadableError) {
        // trying again doesn't mend it, and if somebody else does, the sweep finds the operation
        this.#log.error({ error }, "a document is damaged; its message is dropped");
        return { action: "complete", reason: "a document is damaged" };
      }
      if (error instanceof SealingKeyUnknownError) return this.#sealed(error);
      this.#log.error({ error }, "the work failed; it will be tried again");
      const retryAfterMs = error instanceof StoreUnavailableError ? (error.retryAfterMs ?? 0) : 0;
      const delayMs = Math.max(retryAfterMs, timing.heartbeatMs);
      return { action: "putBack", delayMs, reason: "the work failed" };
    }
  }

  /**
   * Nothing was claimed, so no attempt is lost; it goes on once the key is back, here or in another process. The sweep adds a
   * message now and then, so this one doesn't come back for ever.
   */
  #sealed({ keyId }: SealingKeyUnknownError): MessageEnd {
    const reason = `it is sealed by the key ${JSON.stringify(keyId)}, which this process doesn't have`;
    if (this.#received.deliveries >= sealedDeliveriesMax) {
      this.#log.warn({}, `a message is dropped, the sweep sends another: ${reason}`);
      return { action: "complete", reason };
    }
    const delayMs = this.#options.timing.visibilityMs;
    return { action: "putBack", delayMs, reason, warn: true, leftToOthers: true };
  }

  /** The claimed cluster's steps, under a heartbeat; then the lease is released. */
  async #drive(message: WorkMessage, claimed: ClaimedCluster): Promise<MessageEnd> {
    const { clock, timing, tracing } = this.#options;
    const { store, queue } = this.#engines;
    const { claim, lease, deadline } = claimed;
    const { resourceId, operation } = claimed.cluster.document;
    // the record has them even where an older release has sent the message or begun the operation
    const { requestId, correlationId } = claimed.operation.document;
    const origin = { ...originOf(operation), requestId, correlationId };
    if (message.origin?.traceparent === undefined && origin.traceparent !== undefined) {
      // an older release has sent the message: from here on it is known whose trace this is
      this.#span.end();
      this.#begin({ ...message, origin });
    }
    const { attempts, step } = claimed.cluster.document.work;
    this.#span.describe({
      "rp.resource.id": resourceId,
      "rp.operation.kind": operation.kind,
      "rp.correlation.id": correlationId,
      "rp.request.id": requestId,
      "rp.work.epoch": claim.epoch,
      "rp.work.attempts": attempts,
    });
    const { traceId } = this.#span.context;
    this.#logWith({ resourceId, kind: operation.kind, ...originFields(origin), traceId });
    this.#options.onClaim?.({ attempts });
    // a first claim is told by its steps; a further one says that somebody before came to nothing
    this.#log[attempts > 1 ? "info" : "debug"](
      { epoch: claim.epoch, attempts, step },
      `claimed${attempts > 1 ? ` for attempt ${attempts}` : ""}`,
    );

    const lost = new AbortController();
    const written = tracing.enginesWithin(
      () => this.#stepSpan,
      () => this.#logFields,
    );
    const cluster = new FencedCluster({ ...this.#options, store: written.store }, claimed);
    const rest = new StepRest(clock);
    const heartbeat = new Heartbeat({
      store,
      queue,
      clock,
      log: this.#log,
      timing,
      key: { partition: message.partition, id: message.documentId },
      claim,
      lease,
      deadline,
      message: this.#received,
      receivedAt: this.#receivedAt,
      onLost: (reason) => lost.abort(reason),
    });
    const work = { message, claimed, cluster, heartbeat, rest, lost: lost.signal };
    let end: MessageEnd;
    try {
      end = await this.#steps(work);
    } finally {
      await heartbeat[Symbol.asyncDispose]();
      this.#message = heartbeat.message;
      // whoever still acts in the name of this claim is told that it is over
      lost.abort(new SupersededError("the worker has ended"));
      const waitMs = Math.min(timing.heartbeatMs, Math.max(0, deadline.remainingMs));
      if (await rest.within(waitMs)) await this.#release(claimed);
      else this.#log.warn({}, "a step goes on after it was left; its lease has to run out");
    }
    return end;
  }

  async #steps(work: WorkInHand): Promise<MessageEnd> {
    const { clock, random, timing, stop, restMs, onStep, steps } = this.#options;
    const { claimed, cluster, heartbeat, rest, lost } = work;
    const { kind } = claimed.cluster.document.operation;
    try {
      const outcome = await runSteps({
        cluster,
        steps: steps[kind],
        clock,
        random,
        log: this.#log,
        timing,
        deadline: claimed.deadline,
        rest,
        lost,
        stop,
        restMs,
        hasMessage: () => heartbeat.message !== undefined,
        startSpan: (listed) => this.#startStep(listed, work),
        ...(onStep === undefined ? {} : { onStep }),
      });
      return this.#reached(outcome, work);
    } catch (error) {
      if (error instanceof StoppedError) return this.#stopped(work);
      if (error instanceof SupersededError || error instanceof LeaseLostError) {
        return this.#superseded(error, work);
      }
      const { attempts } = cluster.current.cluster.work;
      const failure = loggableFailure(error, cluster.current.cluster.secrets);
      this.#log.error({ error: failure }, "a worker failed; the operation is tried again");
      const delayMs = retryDelayMs(attempts, random);
      return { action: "putBack", delayMs, reason: "the worker failed" };
    }
  }

  /** What is written during a step belongs to it. */
  #startStep({ place }: ListedStep, { claimed, cluster }: WorkInHand): Span {
    const span = this.#options.tracing.traces.start(`step ${place.name}`, {
      kind: "internal",
      parent: this.#span.context,
      attributes: {
        "rp.operation.kind": claimed.cluster.document.operation.kind,
        "rp.step.name": place.name,
        "rp.step.phase": place.phase,
        "rp.step.attempt": cluster.current.cluster.work.attempts,
      },
    });
    this.#stepSpan = span;
    return span;
  }

  #reached(outcome: RunOutcome, { claimed }: WorkInHand): MessageEnd {
    const now = this.#options.clock.now();
    if (!outcome.ended) {
      const delayMs = Math.max(0, outcome.untilMs - now);
      return { action: "putBack", delayMs, reason: "the step is to be begun again" };
    }
    const { status, error } = outcome;
    const durationMs = now - claimed.operation.document.startedAt;
    this.#options.onEnded?.({
      kind: claimed.cluster.document.operation.kind,
      outcome: status === "Succeeded" ? "succeeded" : "failed",
      ...(error === undefined ? {} : { code: error.code }),
    });
    this.#log.info(
      { status, durationMs, ...(error === undefined ? {} : { code: error.code }) },
      `${claimed.cluster.document.operation.kind} ${status.toLowerCase()}`,
    );
    return { action: "complete", reason: "the operation has ended" };
  }

  /** The attempt is given back, and the message is there for others as soon as the lease is. */
  async #stopped({ cluster, heartbeat, rest, lost }: WorkInHand): Promise<MessageEnd> {
    const { clock, timing } = this.#options;
    const unqueued = heartbeat.message === undefined;
    try {
      await cluster.write(givenBack({ now: clock.now(), unqueued, timing }), lost);
    } catch (error) {
      this.#log.warn({ error }, "the attempt could not be given back");
    }
    const delayMs = (await rest.within(0)) ? 0 : timing.leaseMs;
    return { action: "putBack", delayMs, reason: "the process stops" };
  }

  /** The message may be the only one of an operation that waits: it ends only if that operation is no longer current. */
  async #superseded(error: Error, work: WorkInHand): Promise<MessageEnd> {
    const { message } = work;
    const { clock, timing } = this.#options;
    const { store } = this.#engines;
    this.#options.onClaimLost?.(error instanceof LeaseLostError ? "lease" : "superseded");
    const delayMs = timing.heartbeatMs;
    let isReplaced = false;
    try {
      const key = { partition: message.partition, id: message.documentId };
      const stored = await this.#limited(async (o) =>
        store.read("cluster", key, { ...o, openSecrets: false }),
      );
      isReplaced = error instanceof SupersededError && isOtherOperations(stored?.document, work);
      const judged = judgeMessage(message, stored?.document, { now: clock.now(), timing });
      if (judged.action !== "work") return judged;
    } catch (readError) {
      this.#log.warn({ error: readError }, "the cluster could not be read again");
    } finally {
      if (isReplaced) {
        // somebody asked for it, such as by a DELETE of what is being created
        this.#log.info(
          {},
          "this worker lost the cluster to a newer operation of it; it writes nothing more",
        );
      } else this.#log.warn({ error }, "this worker lost the cluster; it writes nothing more");
    }
    return { action: "putBack", delayMs, reason: "somebody else may have the cluster" };
  }

  async #release({ lease }: ClaimedCluster): Promise<void> {
    try {
      await this.#limited(async (o) => this.#engines.store.releaseLease(lease, o));
    } catch (error) {
      this.#log.warn({ error }, "the lease could not be released; it runs out by itself");
    }
  }

  async #endMessage(end: MessageEnd): Promise<WorkerResult> {
    const { queue } = this.#engines;
    const message = this.#message;
    const warn = end.action === "putBack" && end.warn === true;
    this.#log[warn ? "warn" : "debug"](
      end.action === "complete" ? {} : { delayMs: end.delayMs },
      `message ${end.action === "complete" ? "completed" : "put back"}: ${end.reason}`,
    );
    if (message === undefined) return {};
    try {
      if (end.action === "complete") {
        await this.#limited(async (o) => queue.complete(message, o));
        return {};
      }
      const visibilityMs = Math.ceil(end.delayMs);
      const put = await this.#limited(async (o) => queue.extend(message, { visibilityMs }, o));
      if (end.leftToOthers === true) return {};
      // a look before that would find nothing, and the next one may be far
      return { dueInMs: put.hiddenMs ?? visibilityMs };
    } catch (error) {
      if (error instanceof MessageLostError) this.#log.debug({}, "the message is somebody else's");
      else this.#log.warn({ error }, "the queue did not take the end of a message; it comes back");
      return {};
    }
  }

  /** From now on lines of the log have these members too; each name is in a line once. */
  #logWith(fields: LogFields): void {
    this.#logFields = { ...this.#logFields, ...fields };
    this.#log = this.#options.log.child(this.#logFields);
  }

  /** A call that may not take longer than a lease. */
  async #limited<T>(call: (options: { readonly signal: AbortSignal }) => Promise<T>): Promise<T> {
    using limit = deadlineSignal({
      clock: this.#options.clock,
      afterMs: this.#options.timing.leaseMs,
      reason: () => new Error("no answer in time"),
    });
    const { signal } = limit;
    return await untilAborted(signal, async () => call({ signal }));
  }
}

/** Whether a newer operation has the cluster, or has removed it. */
function isOtherOperations(
  document: ClusterDocument | undefined,
  { claimed, message }: WorkInHand,
): boolean {
  if (document !== undefined) return document.operation.id !== message.operationId;
  return claimed.cluster.document.operation.kind !== "delete";
}

interface WorkInHand {
  readonly message: WorkMessage;
  readonly claimed: ClaimedCluster;
  readonly cluster: FencedCluster;
  readonly heartbeat: Heartbeat;
  readonly rest: StepRest;
  readonly lost: AbortSignal;
}
