/**
 * What the checks before a cluster is built have in common: each looks at everything it can before it says what is wrong, all of it
 * at once, and bears with what only has to spread in Azure. A check must never create or change anything.
 */
import { RestError } from "@azure/core-rest-pipeline";
import type { ErrorCode } from "../../../model/errorCodes.ts";
import { TerminalError } from "../../../model/rpError.ts";
import { deadlineSignal } from "../../../runtime/deadlineSignal.ts";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { withNotes, type AzureNotes } from "../azureNotes.ts";

/** What the user has to do something about. */
export interface CheckFault {
  readonly code: ErrorCode;
  /** Sentences that say what is wrong and what to do. */
  readonly message: string;
  /** How long from the step's first start it may still go away by itself. */
  readonly patienceMs?: number;
}

/** What was found; notes count only without faults. */
export interface CheckResult {
  readonly faults: readonly CheckFault[];
  readonly notes?: AzureNotes;
}

/** Until Azure knows a new role assignment, or a new principal, everywhere. */
export const propagationMs = 5 * 60_000;

/** Throttling included; Azure's own failures have some patience too. */
const deadlineMs = 30 * 60_000;
/** All calls of one run. */
const callsMs = 2 * 60_000;

/** @param look finds what is wrong; its signal is aborted when it takes too long. */
export function checkStep(
  { clock, pollMs }: Pick<AzureEffects, "clock" | "pollMs">,
  name: string,
  look: (context: StepContext, signal: AbortSignal) => Promise<CheckResult>,
): Step {
  return {
    name,
    deadlineMs,
    run: async (context) => {
      using limit = deadlineSignal({
        clock,
        afterMs: callsMs,
        reason: unanswered,
        parents: [context.signal],
      });
      const { faults, notes = {} } = await look(context, limit.signal);
      if (faults.length === 0) {
        return { done: true, changes: { installation: withNotes(context.snapshot, notes) } };
      }
      const passedMs = context.now - context.startedAt;
      if (faults.every(({ patienceMs = 0 }) => passedMs < patienceMs)) {
        return { done: false, againAfterMs: pollMs, because: asError(faults).message };
      }
      throw asError(faults);
    },
  };
}

/** As of a single request: an outage, which is waited for, and no attempt. */
function unanswered(): RestError {
  return new RestError("no answer came in time", { code: RestError.REQUEST_SEND_ERROR });
}

/** What is certain comes first. */
function asError(faults: readonly CheckFault[]): TerminalError {
  const ordered = faults.toSorted((one, other) => (one.patienceMs ?? 0) - (other.patienceMs ?? 0));
  const code = ordered[0]?.code ?? "InstallationFailed";
  const [first = "", ...more] = ordered.map(({ message }) => message);
  const message =
    more.length === 0
      ? first
      : [first, ...more].map((each, index) => `(${index + 1}) ${each}`).join(" ");
  return new TerminalError({ code, message });
}
