/**
 * Decides what becomes of a step whose call to Azure failed: the operation ends with a reason that says what to do, or the step is
 * begun again, after a failure that counts or after a wait that doesn't. It must never blame the user for what is the resource
 * provider's own, nor throw away what Azure said of the user's.
 */
import type { EpochMs } from "../../../model/document.ts";
import { TerminalError, TransientError } from "../../../model/rpError.ts";
import type { Random } from "../../../runtime/ids.ts";
import { shown } from "../../../model/shownText.ts";
import type { Step, StepContext, StepResult } from "../../installer.ts";
import { actingFor } from "../actingWorker.ts";
import { StateKeyUnknownError } from "../azureEffects.ts";
import { readNotes, withNotes } from "../azureNotes.ts";
import {
  endings,
  kindOf,
  waits,
  type AzureError,
  type Ending,
  type FailureKind,
} from "./azureErrorTable.ts";
import { ownFault } from "./ownFault.ts";
import {
  isOutage,
  isSignInError,
  isSignInUnanswered,
  readFailure,
  type AzureFailure,
} from "./azureErrors.ts";
import { shownErrors, shownText } from "./shownErrors.ts";

export type Verdict =
  | { readonly is: "terminal"; readonly error: TerminalError }
  /** `because` may be shown. */
  | {
      readonly is: "again";
      readonly againAfterMs: number;
      readonly because: string;
      readonly isOutage: boolean;
    }
  | { readonly is: "transient"; readonly error: Error };

/**
 * From the step's first start, until a process has every key that there is: it reads them every few minutes, and others may have one
 * before it has.
 */
const keyPatienceMs = 10 * 60_000;

/**
 * From the step's first start: each run asks for the key that the account has by then, so that a changed one needs the next run. What
 * is refused for longer is no changed key.
 */
const changedKeyPatienceMs = 10 * 60_000;

/** What a verdict depends on besides the failure. */
export type Circumstances = Pick<StepContext, "now" | "startedAt" | "snapshot"> & {
  readonly random: Random;
  /** When nothing answered for the first time; now, unless given. */
  readonly outageSince?: EpochMs;
};

/** Between two tries of what needs patience. */
const patientWaitMs = 60_000;
const againLeastMs = 1_000;
const againLongestMs = 10 * 60_000;
/** How long nothing may answer before failures count as attempts. */
const outageMs = 30 * 60_000;
/** An answer that was lost once is asked for again soon; what has been going on for longer is waited for longer. */
const outageWaitLongestMs = 45_000;
const refusedMax = 3;
/** By how much a wait is lengthened at most, so that those who wait for the same don't come back together. */
const jitterShare = 0.25;

/** The step, its failures classified and its changes guarded. What isn't Azure's passes through as it is. */
export function asAzureStep(step: Step, { random }: { readonly random: Random }): Step {
  return {
    ...step,
    run: async (context) => {
      try {
        const result = await actingFor(context, async () => step.run(context));
        return withoutOutage(result, context);
      } catch (error) {
        // whoever told the step to stop knows why
        if (context.signal.aborted) throw error;
        const since = outageSince(context, step.name);
        const verdict = judge(error, {
          now: context.now,
          startedAt: context.startedAt,
          snapshot: context.snapshot,
          random,
          outageSince: since,
        });
        if (verdict === undefined) throw error;
        if (verdict.is !== "again") throw verdict.error;
        const { againAfterMs, because, isOutage } = verdict;
        const result = { done: false, againAfterMs, because } as const;
        if (!isOutage) return withoutOutage(result, context);
        const { operationId } = context.snapshot;
        const outage = { operationId, step: step.name, since };
        return { ...result, changes: { installation: withNotes(context.snapshot, { outage }) } };
      }
    },
  };
}

/** When nothing answered the step for the first time since something did. */
function outageSince({ snapshot, now }: StepContext, step: string): EpochMs {
  const { outage } = readNotes(snapshot);
  if (outage?.step !== step || outage.operationId !== snapshot.operationId) return now;
  // one that is yet to come was noted before the clock was set back
  return Math.min(outage.since, now);
}

/** Azure has answered, whatever it said. */
function withoutOutage(result: StepResult, { snapshot }: StepContext): StepResult {
  if (readNotes(snapshot).outage === undefined) return result;
  const { changes = {} } = result;
  const changed = { installation: { ...snapshot.installation, ...changes.installation } };
  const installation = {
    ...changes.installation,
    ...withNotes({ ...snapshot, ...changed }, { outage: undefined }),
  };
  return { ...result, changes: { ...changes, installation } };
}

/** @returns nothing when the error is neither Azure's nor that of a missing key. */
export function judge(error: unknown, circumstances: Circumstances): Verdict | undefined {
  if (error instanceof TerminalError) return undefined;
  if (error instanceof StateKeyUnknownError) return ofUnknownKey(error, circumstances);
  const { subscriptionId } = circumstances.snapshot;
  const transient = (message: string): Verdict => ({
    is: "transient",
    error: new AzureCallError(message, { cause: forLog(error, subscriptionId) }),
  });
  const again = (because: string, waitMs: number, isOutage = false): Verdict => ({
    is: "again",
    againAfterMs: waitFor(waitMs, circumstances),
    because,
    isOutage,
  });
  const ofOutage = (message: string, retryAfterMs: number | undefined): Verdict => {
    const passedMs = circumstances.now - (circumstances.outageSince ?? circumstances.now);
    if (passedMs >= outageMs) return transient(message);
    const waitMs = retryAfterMs ?? Math.min(passedMs, outageWaitLongestMs);
    return again(message, waitMs, true);
  };
  if (isSignInError(error)) {
    if (isSignInUnanswered(error)) {
      return ofOutage("Azure's sign-in did not answer.", undefined);
    }
    return transient(`The resource provider itself could not sign in to Azure; ${ownFault}`);
  }
  const failure = readFailure(error);
  if (failure === undefined) return undefined;
  const { kind, errors } = decisive(failure, subscriptionId);
  const said = shownErrors(errors, subscriptionId);
  const { now, startedAt } = circumstances;
  if (kind === "key" && now - startedAt < changedKeyPatienceMs) {
    const what =
      "The storage account refuses its own key, which may have just been changed and is asked for again";
    return again(`${what}: ${said}`, waits.key);
  }
  if (kind === "ours" || kind === "key") {
    const text = `Azure does not let the resource provider in; ${ownFault}`;
    const why = kind === "key" ? refusedKey : missingPermission(errors);
    const cause = new Error(why, { cause: forLog(error, subscriptionId) });
    return { is: "transient", error: new AzureCallError(text, { cause }) };
  }
  if (kind === "unavailable") {
    if (isUnanswered(failure)) {
      const { origin, retryAfterMs } = failure;
      const what = errors.some(({ isLost }) => isLost === true)
        ? `Azure cannot be reached${origin === undefined ? "" : ` at ${origin}`}`
        : `${origin ?? "Azure"} did not answer`;
      return ofOutage(`${what}: ${said}`, retryAfterMs);
    }
    return transient(`Azure did not do it: ${said}`);
  }
  if (kind === "throttled" || kind === "busy") {
    const what = kind === "busy" ? "Azure is busy with it" : "Azure asks to come back later";
    return again(`${what}: ${said}`, failure.retryAfterMs ?? waits[kind]);
  }
  const { code, advice, patienceMs = 0 }: Ending = endings[kind];
  const message = `${advice} Azure says: ${said}`;
  if (now - startedAt < patienceMs) return again(message, failure.retryAfterMs ?? patientWaitMs);
  return {
    is: "terminal",
    error: new TerminalError({ code, message }, { cause: forLog(error, subscriptionId) }),
  };
}

/** For the log. */
const refusedKey =
  "A storage account refuses what is signed by its own key: see whether this machine's clock is right, and who changes the account's keys";

/** For the log: what was refused, and where operators read how to allow it. */
function missingPermission(errors: readonly AzureError[]): string {
  const refused = errors.map(({ code, message }) => {
    const action = /\baction '([\w./*-]{1,200})'/.exec(message)?.[1];
    const scope = /\bscope '(\/[^'\s]{1,500})'/.exec(message)?.[1];
    return `${action ?? code}${scope === undefined ? "" : ` on ${shown(scope)}`}`;
  });
  return (
    `Azure refuses the resource provider ${[...new Set(refused)].slice(0, refusedMax).join(", ")}: sign it in as the right principal ` +
    "and give that its roles, as README.md tells under 'Install real clusters', 'Who may do what'"
  );
}

/** Without it what the cluster began with is lost, and nothing else fits what was made. */
function ofUnknownKey({ keyId }: StateKeyUnknownError, circumstances: Circumstances): Verdict {
  const missing = `the key ${JSON.stringify(shown(keyId))}, which the resource provider doesn't have`;
  if (circumstances.now - circumstances.startedAt < keyPatienceMs) {
    return {
      is: "again",
      againAfterMs: waitFor(patientWaitMs, circumstances),
      because: `What the cluster begins with is sealed by ${missing}.`,
      isOutage: false,
    };
  }
  return {
    is: "terminal",
    error: new TerminalError({
      code: "SealingKeyUnknown",
      message:
        `What the cluster begins with is sealed by ${missing}. Have the resource provider's operator put that key back, then PUT ` +
        "the cluster again; or delete it and create it again.",
    }),
  };
}

/** A call to Azure that failed for now. Its message may be shown. */
class AzureCallError extends TransientError {
  override readonly name = "AzureCallError";
}

/** What most stands in the way: first what surely ends the operation, then what needs patience, then what goes away by itself. */
const order: readonly FailureKind[] = [
  ...(Object.keys(endings) as (keyof typeof endings)[]).toSorted(
    (one, other) => patienceOf(one) - patienceOf(other),
  ),
  "ours",
  "key",
  "unavailable",
  "busy",
  "throttled",
];

function patienceOf(kind: keyof typeof endings): number {
  const ending: Ending = endings[kind];
  return ending.patienceMs ?? 0;
}

function decisive(
  { errors, status, retryAfterMs }: AzureFailure,
  subscriptionId: string,
): { readonly kind: FailureKind; readonly errors: readonly AzureError[] } {
  const judged = errors.map((error) => ({ error, kind: kindFor(error, subscriptionId) }));
  const kind = order.find((one) => judged.some((each) => each.kind === one)) ?? "unavailable";
  const decided = judged.filter((each) => each.kind === kind).map(({ error }) => error);
  // an answer that says when to return is about the moment, whatever its code
  const throttles = status === 429 || (status === 503 && retryAfterMs !== undefined);
  const soft = kind === "unavailable" || kind === "ours" || kind === "refused";
  return { kind: throttles && soft ? "throttled" : kind, errors: decided };
}

/** No answer came, or one that tells only of Azure's own state. What a deployment failed of isn't one. */
function isUnanswered({ status, errors }: AzureFailure): boolean {
  if (status !== undefined) return isOutage(status);
  return errors.some(({ isLost }) => isLost === true);
}

/** A permission is the user's to give only in the cluster's subscription. */
function kindFor(error: AzureError, subscriptionId: string): FailureKind {
  const kind = kindOf(error);
  if (kind !== "permission") return kind;
  const named = error.message.toLowerCase().includes(subscriptionId.toLowerCase());
  return named ? kind : "ours";
}

function waitFor(waitMs: number, { random }: Circumstances): number {
  const bounded = Math.min(Math.max(waitMs, againLeastMs), againLongestMs);
  return Math.round(bounded * (1 + random.fraction() * jitterShare));
}

/** The error for the log: requests and answers stay out, and signatures. */
function forLog(error: unknown, subscriptionId: string): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const clean = new Error(shownText(error.message, subscriptionId));
  clean.name = error.name;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  clean.stack = [`${clean.name}: ${clean.message}`, ...frames].join("\n");
  return clean;
}
