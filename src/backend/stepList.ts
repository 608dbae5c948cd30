/**
 * The steps of an operation as one list, and where a stored name stands in it. Names are stored, never indexes. It must
 * never guess: a name that this release doesn't know is neither the first step nor the end.
 */
import type { Installer, Phase, Step } from "../installers/installer.ts";
import type { StepPlace } from "../model/operationRecord.ts";
import type { OperationKind } from "../model/provisioningState.ts";

export interface ListedStep {
  readonly step: Step;
  readonly place: StepPlace;
}

/** The steps of each kind of operation, in order. */
export type StepLists = Readonly<Record<OperationKind, readonly ListedStep[]>>;

/** @throws {TypeError} when two steps of an operation share a name: a defect of the installer. */
export function stepListsOf(installer: Installer): StepLists {
  const { create, update, delete: remove } = installer.phases;
  return { create: listSteps(create), update: listSteps(update), delete: listSteps(remove) };
}

function listSteps(phases: readonly Phase[]): readonly ListedStep[] {
  const flat = phases.flatMap((phase) => phase.steps.map((step) => ({ step, phase: phase.name })));
  if (new Set(flat.map(({ step }) => step.name)).size !== flat.length) {
    throw new TypeError("two steps of one operation have the same name");
  }
  return flat.map(({ step, phase }, index) => ({
    step,
    place: { name: step.name, phase, index, total: flat.length },
  }));
}

/** The step to do; `nothingToDo` when the operation has none; `unknown` when another release stored this name. */
export function findStep(
  steps: readonly ListedStep[],
  name: string | undefined,
): ListedStep | "nothingToDo" | "unknown" {
  if (name === undefined) return steps[0] ?? "nothingToDo";
  return steps.find((listed) => listed.place.name === name) ?? "unknown";
}
