/**
 * What is to become of a message, judged by the document as it is now: a message is a hint that may come twice, late or for
 * something that is over. A pure function, asked before every claim and after a worker was superseded. It must never end a
 * message whose operation still runs: that message may be the only one.
 */
import { isTooNew, type ClusterDocument, type EpochMs } from "../model/document.ts";
import { isTerminal, mayFollow, runningState } from "../model/provisioningState.ts";
import { attemptWaitMs, type Timing } from "../model/timing.ts";
import type { WorkMessage } from "../model/workMessage.ts";

/** The message is finished with, or is to come back after a while. */
export type MessageEnd =
  | { readonly action: "complete"; readonly reason: string }
  | {
      readonly action: "putBack";
      readonly delayMs: number;
      readonly reason: string;
      /** An operator should see it. */
      readonly warn?: boolean;
      /** Another process may be able to: this one isn't the first to look again. */
      readonly leftToOthers?: boolean;
    };

/** The operation can be worked on now. */
export interface Workable {
  readonly action: "work";
}

/** @param document what is stored under the message's key. */
export function judgeMessage(
  message: WorkMessage,
  document: ClusterDocument | undefined,
  { now, timing }: { readonly now: EpochMs; readonly timing: Timing },
): MessageEnd | Workable {
  if (document === undefined) return { action: "complete", reason: "the cluster is gone" };
  if (isTooNew(document)) return tooNew("the document was written by a newer release", timing);
  if (isTerminal(document.provisioningState)) {
    return { action: "complete", reason: "the operation has ended" };
  }
  if (document.operation.id !== message.operationId) {
    return { action: "complete", reason: "another operation has taken its place" };
  }
  const { kind } = document.operation;
  if (!Object.hasOwn(runningState, kind) || !mayFollow(document.provisioningState, "Failed")) {
    return tooNew("a newer release knows this kind of operation or state", timing);
  }
  const delayMs = attemptWaitMs(document.nextAttemptAt, now);
  if (delayMs > 0) {
    return { action: "putBack", delayMs, reason: "the operation is not due yet" };
  }
  return { action: "work" };
}

/**
 * Nothing is touched, and the message is left to a newer backend: were this one the first to look whenever it comes back, the
 * cluster would wait until this process is gone.
 */
export function tooNew(reason: string, timing: Timing): MessageEnd {
  const delayMs = timing.visibilityMs;
  return { action: "putBack", delayMs, reason, warn: true, leftToOthers: true };
}
