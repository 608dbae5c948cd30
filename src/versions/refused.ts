/** How a rule refuses a value: the one form of fault that all rules about values have. */
import type { Fault } from "../model/rpError.ts";

/** `message` is a sentence that holds no secret, `target` the JSON path in the caller's version. */
export function refused(target: string, message: string): Fault {
  return { code: "InvalidParameter", message, target };
}

/** In the words of the contract's schema check, so that the two count as one. */
export function missing(target: string): Fault {
  return refused(target, `'${target}' is missing.`);
}

/** A patch sets to `null` what a cluster can't be without. */
export function cannotBeRemoved(target: string): Fault {
  return refused(target, `'${target}' cannot be removed; leave it out to keep it.`);
}
