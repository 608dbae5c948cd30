/** A service principal that was replaced loses its role on the managed group, and nobody else does. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import { notesOfPrincipal } from "../../../../src/installers/azure/azureNotes.ts";
import { removeFormerRoles } from "../../../../src/installers/azure/resources/removeFormerRoles.ts";
import type { InstallationSnapshot } from "../../../../src/installers/installer.ts";
import { ScriptedAzure, type Script, type ScriptedAnswer } from "../scriptedAzure.ts";
import { names, stepContext, subscriptionId, type TestContext } from "../stepContext.ts";

const group = `/subscriptions/${subscriptionId}/resourceGroups/${names.managedGroup}`;
const roles = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions`;
const contributor = `${roles}/b24988ac-6180-42a0-ab88-20f7382dd24c`;
const reader = `${roles}/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
const assignmentsPath = `${group}/providers/Microsoft.Authorization/roleAssignments`.toLowerCase();
const spreadMs = 5 * 60_000;

let azure: ScriptedAzure;
let list: ScriptedAnswer;
let asked: (string | null)[];
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());
beforeEach(() => {
  asked = [];
  list = { status: 200, body: { value: [assignment("one", {})] } };
  azure.changes();
  azure.script = ({ method, path, query }) => {
    if (method === "DELETE") return { status: 204 };
    if (path !== assignmentsPath) return undefined;
    asked.push(query.get("$filter"));
    return list;
  };
});

interface Assignment {
  readonly id: string;
  readonly name: string;
  readonly properties: { readonly principalId: string };
}

function assignment(
  name: string,
  changed: {
    readonly principalId?: string;
    readonly scope?: string;
    readonly roleDefinitionId?: string;
  },
): Assignment {
  const properties = { principalId: "old", scope: group, roleDefinitionId: contributor };
  const { scope = group } = changed;
  return {
    id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
    name,
    properties: { ...properties, ...changed },
  };
}

function context(notes: AzureNotes, passedMs = spreadMs): TestContext {
  const startedAt = 1_700_000_000_000;
  const made = stepContext({
    installation: { azure: { names, principalObjectId: "new", ...notes } },
    startedAt,
    now: startedAt + passedMs,
  });
  // as in the document of a cluster whose goal is reached but for what is noted
  Object.assign(made.snapshot, {
    applied: made.snapshot.cluster,
  } satisfies Partial<InstallationSnapshot>);
  return made;
}

const replaced: AzureNotes = { formerPrincipals: ["old"], unsettled: ["servicePrincipal"] };

describe("RemoveFormerRoles", () => {
  it("takes the role away under whatever name, once the credentials have spread", async () => {
    const step = removeFormerRoles(azure.effects());
    expect(await step.run(context(replaced, 0))).toEqual({ done: false, againAfterMs: spreadMs });
    expect(azure.changes()).toEqual([]);
    const acting = context(replaced);
    expect(await step.run(acting)).toMatchObject({
      done: true,
      changes: { installation: { azure: { formerPrincipals: [], principalObjectId: "new" } } },
    });
    expect(azure.changes()).toEqual([`DELETE ${assignmentsPath}/one`]);
    expect(asked).toEqual(["principalId eq 'old'"]);
    expect(acting.guarded()).toBe(1);
  });

  it("leaves other roles, other places and other principals alone", async () => {
    const subscription = `/subscriptions/${subscriptionId}`;
    list = {
      status: 200,
      body: {
        value: [
          assignment("reads", { roleDefinitionId: reader }),
          assignment("above", { scope: subscription }),
          assignment("below", { scope: `${group}/providers/Microsoft.Network/virtualNetworks/x` }),
          assignment("another's", { principalId: "new" }),
        ],
      },
    };
    expect((await removeFormerRoles(azure.effects()).run(context(replaced))).done).toBe(true);
    expect(azure.changes()).toEqual([]);
  });

  it("never takes it from the principal by which the cluster acts", async () => {
    list = { status: 200, body: { value: [assignment("one", { principalId: "new" })] } };
    const notes: AzureNotes = { ...replaced, formerPrincipals: ["NEW"] };
    expect((await removeFormerRoles(azure.effects()).run(context(notes))).done).toBe(true);
    expect(azure.changes()).toEqual([]);
  });

  it("asks nobody when no principal was replaced, or when the noted one may not be the goal's", async () => {
    for (const notes of [{}, { formerPrincipals: ["old"] }]) {
      expect(await removeFormerRoles(azure.effects()).run(context(notes))).toEqual({ done: true });
    }
    expect(asked).toEqual([]);
  });

  it("takes no other answer for an empty list", async () => {
    list = { status: 200, body: {} };
    await expect(removeFormerRoles(azure.effects()).run(context(replaced))).rejects.toMatchObject({
      name: "RestError",
      code: "PARSE_ERROR",
    });
  });
});

describe("RemoveFormerRoles, killed and begun again by another worker", () => {
  const notes: AzureNotes = { ...replaced, formerPrincipals: ["old", "older"] };
  const others = [
    assignment("acts", { principalId: "new" }),
    assignment("reads", { roleDefinitionId: reader }),
    assignment("stranger's", { principalId: "stranger" }),
  ];
  let left: readonly Assignment[];
  const answer: Script = ({ method, path, query }) => {
    if (method === "DELETE") {
      left = left.filter(({ name }) => path !== `${assignmentsPath}/${name}`);
      return { status: 204 };
    }
    const principal = /^principalId eq '(.*)'$/.exec(query.get("$filter") ?? "")?.[1];
    const value = left.filter(({ properties }) => properties.principalId === principal);
    return { status: 200, body: { value } };
  };
  beforeEach(() => {
    left = [
      assignment("one", {}),
      ...others,
      assignment("two", {}),
      assignment("three", { principalId: "older" }),
    ];
  });

  // each former one is looked for once, and their three assignments are deleted
  const kills = [0, 1, 2, 3, 4].flatMap((call) =>
    (["before", "after"] as const).map((moment) => ({ call, moment })),
  );

  it.each(kills)(
    "at call $call, $moment it took effect: none of the cluster's is left, nobody else's is gone",
    async ({ call, moment }) => {
      const life = new AbortController();
      let calls = 0;
      azure.script = (request) => {
        if (calls++ !== call) return answer(request);
        life.abort(new Error("killed"));
        return moment === "before" ? { status: 503 } : answer(request);
      };
      const killed = Object.assign(context(notes), { signal: life.signal });
      await expect(removeFormerRoles(azure.effects()).run(killed)).rejects.toThrow("killed");
      expect(calls).toBe(call + 1);
      // nothing of it was noted
      expect(await removeFormerRoles(azure.effects()).run(context(notes))).toMatchObject({
        done: true,
        changes: { installation: { azure: { formerPrincipals: [] } } },
      });
      expect(left).toEqual(others);
    },
  );

  it("after all of it: finds nothing to take", async () => {
    azure.script = answer;
    await removeFormerRoles(azure.effects()).run(context(notes));
    azure.changes();
    expect(await removeFormerRoles(azure.effects()).run(context(notes))).toMatchObject({
      done: true,
    });
    expect(azure.changes()).toEqual([]);
    expect(left).toEqual(others);
  });
});

describe("the principal that is noted", () => {
  const after = (notes: AzureNotes, principal: string): AzureNotes => ({
    ...notes,
    ...notesOfPrincipal(context(notes).snapshot, principal),
  });

  it("makes the one before a former one, until it comes back", () => {
    const none: AzureNotes = { principalObjectId: "first" };
    const second = after(none, "second");
    expect(second).toMatchObject({
      formerPrincipals: ["first"],
      unsettled: ["servicePrincipal"],
    });
    // of an update that failed in between
    expect(after(second, "third").formerPrincipals).toEqual(["first", "second"]);
    expect(after(second, "first").formerPrincipals).toEqual(["second"]);
    expect(after(none, "first")).toEqual(none);
    expect(after(second, "second")).toEqual(second);
  });
});
