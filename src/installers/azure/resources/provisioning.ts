/**
 * What becomes of a step whose resource isn't provisioned: Azure goes on by itself with what it is about to do, but what has failed
 * stays so until it is written again. It must never leave either without a reason that is told.
 */
import { TerminalError } from "../../../model/rpError.ts";
import type { StepContext } from "../../installer.ts";
import { isSameName } from "../sameName.ts";

/** How long what has failed is written again, from the step's first start. */
const failuresEndAfterMs = 30 * 60_000;

export type Provisioning =
  | { readonly is: "ready" }
  /** To be waited for, or written again. */
  | { readonly is: "underWay" | "failed"; readonly because: string };

/**
 * @param what of which kind it is and its name, as users know it.
 * @param state as Azure tells it.
 * @throws {TerminalError} when it has been written again for long enough.
 */
export function provisioning(
  { now, startedAt }: Pick<StepContext, "now" | "startedAt">,
  what: string,
  state = "in an unknown state",
): Provisioning {
  if (isSameName(state, "Succeeded")) return { is: "ready" };
  if (!isSameName(state, "Failed") && !isSameName(state, "Canceled")) {
    return { is: "underWay", because: `The ${what} is '${state}' in Azure.` };
  }
  if (now - startedAt >= failuresEndAfterMs) {
    throw new TerminalError({
      code: "InstallationFailed",
      message:
        `The ${what} is '${state}' in Azure, however often it was written again. ` +
        "Azure tells why in the resource's activity log.",
    });
  }
  return { is: "failed", because: `The ${what} was '${state}' in Azure and is written again.` };
}
