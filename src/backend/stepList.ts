/** The steps of an operation as one list, and where a stored name stands in it. Names are stored, never indexes. */
import type { Phase, Step } from "../installers/installer.ts";
import type { StepPlace } from "../model/operationRecord.ts";

export interface ListedStep {
  readonly step: Step;
  readonly place: StepPlace;
}

/** @throws {TypeError} when two steps share a name: a defect of the installer. */
export function listSteps(phases: readonly Phase[]): readonly ListedStep[] {
  const flat = phases.flatMap((phase) => phase.steps.map((step) => ({ step, phase: phase.name })));
  if (new Set(flat.map(({ step }) => step.name)).size !== flat.length) {
    throw new TypeError("two steps of one operation have the same name");
  }
  return flat.map(({ step, phase }, index) => ({
    step,
    place: { name: step.name, phase, index, total: flat.length },
  }));
}

/** The step to do: the first when none is stored; `undefined` when this release doesn't know the stored one. */
export function findStep(
  steps: readonly ListedStep[],
  name: string | undefined,
): ListedStep | undefined {
  return name === undefined ? steps[0] : steps.find((listed) => listed.place.name === name);
}
