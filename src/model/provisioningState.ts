/**
 * The states of a cluster and their exits, as data. Handlers take their 409s from this table and the backend its
 * terminal writes; nothing else may decide whether a state may follow another.
 *
 * Creating and Updating are told apart inside; the first api-version shows both as `Updating`.
 */

/** Internal provisioning state. Only the last three end an operation (ARM-89). */
export type ProvisioningState =
  | "Creating"
  | "Updating"
  | "Deleting"
  | "Succeeded"
  | "Failed"
  | "Canceled";

/** What an operation does. */
export type OperationKind = "create" | "update" | "delete";

/** The state that a cluster takes while an operation of this kind runs. */
export const runningState = {
  create: "Creating",
  update: "Updating",
  delete: "Deleting",
} as const satisfies Record<OperationKind, ProvisioningState>;

interface StateRow {
  /** Nothing runs. */
  readonly terminal: boolean;
  /** States that may follow. Leaving a running state for `Deleting` is how DELETE wins everywhere (ARM-68). */
  readonly next: readonly ProvisioningState[];
}

const table: Record<ProvisioningState, StateRow> = {
  Creating: { terminal: false, next: ["Succeeded", "Failed", "Canceled", "Deleting"] },
  Updating: { terminal: false, next: ["Succeeded", "Failed", "Canceled", "Deleting"] },
  Deleting: { terminal: false, next: ["Failed"] },
  Succeeded: { terminal: true, next: ["Updating", "Deleting"] },
  // a PUT on a cluster whose create failed starts the create anew (ARM-43)
  Failed: { terminal: true, next: ["Creating", "Updating", "Deleting"] },
  Canceled: { terminal: true, next: ["Creating", "Updating", "Deleting"] },
};

/** Whether no operation runs in this state. A state written by a newer release counts as running. */
export function isTerminal(state: ProvisioningState): boolean {
  return (table[state] as StateRow | undefined)?.terminal ?? false;
}

/**
 * The next state, checked.
 *
 * @throws {TypeError} when the table has no such exit: a defect of the caller, never a user's fault.
 */
export function advance(from: ProvisioningState, to: ProvisioningState): ProvisioningState {
  if (!mayFollow(from, to)) throw new TypeError(`no way from ${from} to ${to}`);
  return to;
}

/** Whether `to` may follow `from`. A state written by a newer release counts as running: only DELETE leads out of it. */
export function mayFollow(from: ProvisioningState, to: ProvisioningState): boolean {
  return (table[from] as StateRow | undefined)?.next.includes(to) ?? to === "Deleting";
}

/** States as a list, for tables and tests. */
export const provisioningStates = Object.keys(table) as readonly ProvisioningState[];
