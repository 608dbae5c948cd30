/**
 * What the record of an operation tells of its steps, held against the steps of the installer: each done exactly once and in
 * their order, none begun before the one before it had ended.
 */
import { expect } from "vitest";
import { localInstaller } from "../../src/installers/local/localInstaller.ts";
import type { OperationDocument } from "../../src/model/document.ts";
import type { OperationKind } from "../../src/model/provisioningState.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/ids.ts";

const { phases } = localInstaller({
  domain: "openshift.test",
  installMs: 0,
  random: systemRandom,
  clock: systemClock,
});

/** The names of the steps of such an operation, in order. */
export function stepNames(kind: OperationKind): readonly string[] {
  return phases[kind].flatMap(({ steps }) => steps.map(({ name }) => name));
}

/** The operation has succeeded, and its history is whole. */
export function expectEveryStepOnce(operation: OperationDocument): void {
  expect(operation, operation.id).toMatchObject({ status: "Succeeded", percentComplete: 100 });
  expect(
    operation.steps.map(({ name }) => name),
    operation.id,
  ).toEqual(stepNames(operation.operationKind));
  expectInOrder(operation);
  expect(operation.steps.at(-1)?.endedAt, operation.id).toBeDefined();
}

/** A DELETE has cut the operation short: what it has come to by then is in order. */
export function expectStepsUntilCanceled(operation: OperationDocument): void {
  expect(operation, operation.id).toMatchObject({ status: "Canceled" });
  const names = operation.steps.map(({ name }) => name);
  expect(names, operation.id).toEqual(
    stepNames(operation.operationKind).slice(0, operation.steps.length),
  );
  expectInOrder(operation);
}

/** The times are those of one machine, whose clock no test sets. */
function expectInOrder({ id, steps }: OperationDocument): void {
  for (const [index, step] of steps.entries()) {
    expect(step.attempts, id).toBeGreaterThanOrEqual(1);
    const before = steps[index - 1];
    if (before === undefined) continue;
    expect(before, id).toMatchObject({ endedAt: expect.any(Number) });
    expect(before.endedAt, `${id}: end of ${before.name}`).toBeGreaterThanOrEqual(before.startedAt);
    expect(step.startedAt, `${id}: begin of ${step.name}`).toBeGreaterThanOrEqual(
      before.endedAt ?? 0,
    );
  }
}
