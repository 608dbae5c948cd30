/** What checks have in common: faults told together, patience, and an end to waiting for Azure. */
import { expect, test } from "vitest";
import {
  checkStep,
  type CheckFault,
  type CheckResult,
} from "../../../../src/installers/azure/checks/checkStep.ts";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import type { StepContext, StepResult } from "../../../../src/installers/installer.ts";
import { TestClock } from "../../../runtime/testClock.ts";
import { stepContext } from "../stepContext.ts";

const clock = new TestClock();
const pollMs = 10_000;

async function run(
  look: (signal: AbortSignal) => Promise<CheckResult>,
  { passedMs = 0, signal = new AbortController().signal } = {},
): Promise<StepResult> {
  const step = checkStep({ clock, pollMs }, "CheckNothing", async (_context, given) => look(given));
  const now = clock.now();
  const snapshot = { installation: { azure: { infraId: "kept" } } };
  return step.run({ snapshot, now, startedAt: now - passedMs, signal } as unknown as StepContext);
}

const certain: CheckFault = { code: "InvalidSubnet", message: "The subnet is bad." };
const spreading: CheckFault = {
  code: "AuthorizationFailed",
  message: "A role is missing.",
  patienceMs: 60_000,
};

test("notes what was found beside what was known", async () => {
  expect(await run(async () => ({ faults: [], notes: { tenantId: "t" } }))).toEqual({
    done: true,
    changes: { installation: { azure: { infraId: "kept", tenantId: "t" } } },
  });
});

test.each([
  ["one that is certain", [certain], 0, "The subnet is bad."],
  ["one whose time is up", [spreading], 60_000, "A role is missing."],
  [
    "both, the certain one first",
    [spreading, certain],
    0,
    "(1) The subnet is bad. (2) A role is missing.",
  ],
])("ends with %s", async (_name, faults, passedMs, message) => {
  await expect(run(async () => ({ faults }), { passedMs })).rejects.toMatchObject({
    name: "TerminalError",
    code: faults.length === 2 ? "InvalidSubnet" : faults[0]?.code,
    message,
  });
});

test("is patient with what may go away by itself, until the moment its time is up", async () => {
  const look = async (): Promise<CheckResult> => ({ faults: [spreading] });
  const again = { done: false, againAfterMs: pollMs, because: "A role is missing." };
  expect(await run(look, { passedMs: 0 })).toEqual(again);
  expect(await run(look, { passedMs: 59_999 })).toEqual(again);
});

async function hanging(signal: AbortSignal): Promise<CheckResult> {
  const { promise, reject } = Promise.withResolvers<CheckResult>();
  signal.addEventListener("abort", () => reject(signal.reason));
  return promise;
}

test("waits for Azure no longer than two minutes", async () => {
  const failure = run(hanging).catch((error: unknown) => error);
  await clock.advance(119_999);
  expect(await Promise.race([failure, Promise.resolve("waits")])).toBe("waits");
  await clock.advance(1);
  expect(await failure).toMatchObject({ name: "RestError", code: "REQUEST_SEND_ERROR" });
});

test("that Azure doesn't answer in this time is an outage, and no attempt", async () => {
  const step = asAzureStep(
    checkStep({ clock, pollMs }, "CheckNothing", async (_context, signal) => hanging(signal)),
    { random: { fraction: () => 0 } as never },
  );
  const result = step.run(stepContext());
  await clock.advance(120_000);
  expect(await result).toMatchObject({ done: false });
});

test("stops with the step, for its reason, and leaves no sleeper", async () => {
  const stop = new AbortController();
  const failure = run(hanging, { signal: stop.signal }).catch((error: unknown) => error);
  const reason = new Error("the lease is lost");
  stop.abort(reason);
  expect(await failure).toBe(reason);
  await clock.settle();
  expect(clock.sleeping).toBe(0);
});
