/** Registrations and permissions, all that is missing at once; and that the custom role has just what the check wants. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { checkSubscription } from "../../../../src/installers/azure/checks/checkSubscription.ts";
import { missingActions } from "../../../../src/installers/azure/checks/permissions.ts";
import { requiredActions } from "../../../../src/installers/azure/checks/requiredActions.ts";
import { AzureAnswers, pollMs, runCheck, subscriptionId } from "./azureAnswers.ts";

const minuteMs = 60_000;
const providers = `GET /subscriptions/${subscriptionId}/providers`;
const namespaces = ["authorization", "compute", "managedidentity", "network", "storage"].map(
  (name) => `microsoft.${name}`,
);
let azure: AzureAnswers;

beforeAll(async () => {
  azure = await AzureAnswers.start();
});

afterAll(async () => azure[Symbol.asyncDispose]());

function registered(state: string, others: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(
    namespaces.map((namespace) => [
      `${providers}/${namespace}`,
      { body: { namespace, registrationState: others[namespace] ?? state } },
    ]),
  );
}

function allowed(...value: object[]) {
  return { [`${providers}/microsoft.authorization/permissions`]: { body: { value } } };
}

const everything = allowed({ actions: ["*"], notActions: [] });

beforeEach(() => {
  azure.answers = { ...registered("Registered"), ...everything };
});

test("is content with all providers registered and the custom role", async () => {
  azure.answers = { ...registered("Registered"), ...allowed({ actions: requiredActions }) };
  expect(await runCheck(azure, checkSubscription)).toEqual({ done: true, notes: {} });
});

test("names every provider that isn't registered, with the commands", async () => {
  azure.answers = {
    ...registered("Registered", {
      "microsoft.compute": "NotRegistered",
      "microsoft.storage": "Unregistered",
    }),
    ...everything,
  };
  const { code, message } = await runCheck(azure, checkSubscription);
  expect(code).toBe("ResourceProviderNotRegistered");
  expect(message).toContain("az provider register --namespace Microsoft.Compute");
  expect(message).toContain("az provider register --namespace Microsoft.Storage");
  expect(message).not.toContain("Microsoft.Network");
});

test("waits for a registration that is under way, but not for ever", async () => {
  azure.answers = {
    ...registered("Registered", { "microsoft.compute": "Registering" }),
    ...everything,
  };
  const run = async (passedMs: number) => runCheck(azure, checkSubscription, { passedMs });
  expect(await run(0)).toEqual({ done: false, againAfterMs: pollMs });
  expect(await run(14 * minuteMs)).toEqual({ done: false, againAfterMs: pollMs });
  expect((await run(15 * minuteMs)).code).toBe("ResourceProviderNotRegistered");
});

test("tells a contributor what it lacks: to assign roles", async () => {
  const contributor = {
    actions: ["*"],
    notActions: [
      "Microsoft.Authorization/*/Delete",
      "Microsoft.Authorization/*/Write",
      "Microsoft.Authorization/elevateAccess/Action",
    ],
  };
  azure.answers = { ...registered("Registered"), ...allowed(contributor) };
  const { code, message } = await runCheck(azure, checkSubscription, { passedMs: 5 * minuteMs });
  expect(code).toBe("AuthorizationFailed");
  expect(message).toContain("Microsoft.Authorization/roleAssignments/write");
  expect(message).not.toContain("Microsoft.Compute");
  expect(message).toContain("custom role");
});

test("gives a new role assignment the time to spread", async () => {
  azure.answers = { ...registered("Registered"), ...allowed() };
  expect(await runCheck(azure, checkSubscription, { passedMs: 4 * minuteMs })).toEqual({
    done: false,
    againAfterMs: pollMs,
  });
});

test("tells both at once, in few words, the certain one first", async () => {
  azure.answers = { ...registered("NotRegistered"), ...allowed() };
  const { code, message = "" } = await runCheck(azure, checkSubscription);
  expect(code).toBe("ResourceProviderNotRegistered");
  expect(message).toMatch(/^\(1\) .*az provider register.* \(2\) .*custom role/);
  expect(message).toContain(`and ${requiredActions.length - 6} more`);
  // what is longer is cut before users see it
  expect(message.length).toBeLessThan(950);
});

test.each([
  ["can't see all of", { body: { value: [], nextLink: "https://127.0.0.1/more" } }],
  ["isn't told", { status: 404, body: { error: { code: "InvalidResourceType", message: "No." } } }],
])("does not judge permissions that it %s", async (_name, answer) => {
  azure.answers = {
    ...registered("Registered"),
    [`${providers}/microsoft.authorization/permissions`]: answer,
  };
  expect((await runCheck(azure, checkSubscription)).done).toBe(true);
});

test("leaves it to the classification when it is refused to ask", async () => {
  azure.answers = {
    ...registered("Registered"),
    [`${providers}/microsoft.authorization/permissions`]: {
      status: 403,
      body: { error: { code: "AuthorizationFailed", message: "No." } },
    },
  };
  await expect(runCheck(azure, checkSubscription)).rejects.toMatchObject({ statusCode: 403 });
});

describe("an action", () => {
  it.each([
    ["a role that allows it", [{ actions: ["Microsoft.Compute/disks/read"] }], true],
    ["another case", [{ actions: ["microsoft.compute/DISKS/read"] }], true],
    ["an asterisk for its end", [{ actions: ["Microsoft.Compute/*"] }], true],
    ["an asterisk for its middle", [{ actions: ["Microsoft.*/read"] }], true],
    ["asterisks all over", [{ actions: ["*/disks/*"] }], true],
    ["no role", [], false],
    ["an empty role", [{}], false],
    ["another action", [{ actions: ["Microsoft.Compute/disks/write"] }], false],
    ["the beginning of it", [{ actions: ["Microsoft.Compute/disks"] }], false],
    ["what goes on behind it", [{ actions: ["Microsoft.Compute/disks/read/more"] }], false],
    ["an end without its beginning", [{ actions: ["x*/read"] }], false],
    ["ends that would overlap", [{ actions: ["Microsoft.Compute/disks/re*read"] }], false],
    [
      "a role that takes it away",
      [{ actions: ["*"], notActions: ["Microsoft.Compute/*/read"] }],
      false,
    ],
    [
      "a role that takes it away, and another that gives it",
      [{ actions: ["*"], notActions: ["*/read"] }, { actions: ["*/read"] }],
      true,
    ],
  ])("with %s", (_name, permissions, isAllowed) => {
    const action = "Microsoft.Compute/disks/read";
    expect(missingActions([action], permissions)).toEqual(isAllowed ? [] : [action]);
  });

  it("is covered by each pattern made of it with asterisks for pieces", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...requiredActions),
        fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 4 }),
        (action, cuts) => {
          const places = cuts.flat().map((place) => Math.min(place, action.length));
          const ordered = places.toSorted((one, other) => one - other);
          let pattern = "";
          let last = 0;
          for (let index = 0; index + 1 < ordered.length; index += 2) {
            pattern += `${action.slice(last, ordered[index])}*`;
            last = ordered[index + 1] ?? last;
          }
          pattern += action.slice(last);
          expect(missingActions([action], [{ actions: [pattern] }])).toEqual([]);
        },
      ),
    );
  });
});

describe("the custom role", () => {
  const role = JSON.parse(
    readFileSync(new URL("../../../../deploy/azure-role.json", import.meta.url), "utf8"),
  ) as Readonly<Record<string, unknown>>;

  it("has the actions that are checked, and no other", () => {
    expect(role["Actions"]).toEqual(requiredActions);
    expect([role["NotActions"], role["DataActions"], role["NotDataActions"]]).toEqual([[], [], []]);
  });

  it("names each once, in order, and whole", () => {
    expect(requiredActions).toEqual([...new Set(requiredActions)].toSorted());
    for (const action of requiredActions) {
      expect(action).toMatch(/^Microsoft\.[A-Za-z]+(\/[A-Za-z]+)+$/);
    }
  });
});
