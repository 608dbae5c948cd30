/** Sections N, O and Q of the contract of ARM: subscriptions, the provider's operations, preflight. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationIds } from "../../generated/types/operationIds.ts";
import { runtimeDocument, versions } from "../contract/generated.ts";
import { clusterPath, StartedRp, subscriptionId, type RpResponse } from "../frontend/startedRp.ts";
import { ArmCaller } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { having, servedVersions } from "./servedVersions.ts";

const { installer } = new HeldInstaller();
/** An operation that is cut short gives way after a moment. */
const timing = { heartbeatMs: 250, leaseMs: 1_000, visibilityMs: 1_500 };
let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer, timing });
});
afterAll(async () => rp[Symbol.asyncDispose]());

let lastSubscription = 0;
/** A subscription of a test's own. */
function freshSubscription(): string {
  lastSubscription += 1;
  return `00000000-0000-4000-a000-${String(lastSubscription).padStart(12, "0")}`;
}

async function announce(subscription: string, state: string): Promise<void> {
  const path = `/subscriptions/${subscription}?api-version=2.0`;
  expect((await rp.send("PUT", path, { body: { state } })).status).toBe(200);
}

/** The body with its ids in another subscription. */
function inSubscription(body: unknown, subscription: string): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(subscriptionId, subscription));
}

describe.each(servedVersions)("$name", (version) => {
  const at = (path: string): string => new ArmCaller(rp, version).at(path);

  const cannotWrite = { get: 200, list: 200, put: 409, create: 409, patch: 409, patchNone: 409 };
  test.each([
    [
      "Registered",
      {
        get: 200,
        list: 200,
        put: 200,
        create: 201,
        patch: 200,
        patchNone: 404,
        post: 200,
        deleteNone: 204,
        delete: 202,
      },
    ],
    ["Warned", { ...cannotWrite, post: 409, deleteNone: 204, delete: 202 }],
    ["Suspended", { ...cannotWrite, post: 409, deleteNone: 204, delete: 202 }],
    ["Unregistered", { ...cannotWrite, post: 409, deleteNone: 409, delete: 409 }],
  ])("ARM-111, ARM-113: what %s allows, and nothing of it is lost", async (state, expected) => {
    const subscription = freshSubscription();
    const path = at(clusterPath("c", { subscription }));
    const none = at(clusterPath("none", { subscription }));
    const body = inSubscription(version.smallest, subscription);
    await announce(subscription, "Registered");
    await rp.send("PUT", path, { body });
    const settled = ({ body: shown }: RpResponse): boolean =>
      shown.properties.provisioningState === "Succeeded";
    const before = await rp.until(path, settled);
    await announce(subscription, state);
    const answers = {
      get: await rp.send("GET", path),
      list: await rp.send("GET", path.replace("/c?", "?")),
      put: await rp.send("PUT", path, { body }),
      patch: await rp.send("PATCH", path, { body: {} }),
      patchNone: await rp.send("PATCH", none, { body: {} }),
      post: await rp.send("POST", path.replace("?", "/listCredentials?")),
      deleteNone: await rp.send("DELETE", none),
      create: await rp.send("PUT", at(clusterPath("new", { subscription })), { body }),
    };
    expect((await rp.send("GET", path)).body).toEqual(before.body);
    await announce(subscription, "Registered");
    expect((await rp.send("GET", path)).body).toEqual(before.body);
    expect((await rp.send("PUT", path, { body })).status).toBe(200);
    await announce(subscription, state);
    const all = { ...answers, delete: await rp.send("DELETE", path) };
    const statuses = Object.entries(all).map(([name, { status }]) => [name, status]);
    expect(Object.fromEntries(statuses)).toEqual(expected);
    for (const answer of Object.values(all)) {
      if (answer.status !== 409) continue;
      expect(answer.body.error.code).toBe("InvalidSubscriptionState");
    }
  });

  test("ARM-114, ARM-115: the provider's operations are the same for all, without a subscription", async () => {
    const path = at("/providers/RedHat.OpenShift/operations");
    const { status, body } = await rp.send("GET", path);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["value"]);
    const first = at("/providers/RedHat.OpenShift/operations").replace(
      version.name,
      servedVersions[0]?.name ?? "",
    );
    expect((await rp.send("GET", first)).body).toEqual(body);
    for (const { name, display, isDataAction, origin, ...rest } of body.value) {
      expect(name).toMatch(
        /^RedHat\.OpenShift\/(\w+\/)*(\w+\/)(read|write|delete|action)$|^RedHat\.OpenShift\/register\/action$/,
      );
      expect(isDataAction).toBe(false);
      expect(["user", "system", "user,system"]).toContain(origin);
      expect(rest).toEqual({});
      expect(Object.keys(display).toSorted()).toEqual([
        "description",
        "operation",
        "provider",
        "resource",
      ]);
      for (const text of Object.values(display)) expect(text).toMatch(/\S/);
    }
  });

  test("ARM-120: preflight says of every template what a PUT would say, and writes nothing", async () => {
    const send = async (resources: readonly object[]): Promise<RpResponse> =>
      rp.send(
        "POST",
        `/subscriptions/${subscriptionId}/resourceGroups/g/providers/RedHat.OpenShift` +
          "/deployments/d/preflight?api-version=2020-06-01",
        { body: { resources } },
      );
    const resource = (body: object) => ({
      ...body,
      type: "RedHat.OpenShift/OpenShiftClusters",
      name: "preflown",
      apiVersion: version.name,
      dependsOn: ["x"],
    });
    const good = await send([resource(version.smallest), resource(version.full)]);
    expect([good.status, good.body]).toEqual([200, { status: "Succeeded" }]);
    for (const [target, properties] of [...version.illegal, ...version.mistyped]) {
      const { status, body } = await send([resource(having(version.smallest, properties))]);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        status: "Failed",
        error: {
          code: expect.any(String),
          message: expect.any(String),
          target: `resources[0].${target}`,
        },
      });
    }
    const list = await rp.send("GET", at(clusterPath("", { group: "g" }).slice(0, -1)));
    expect(list.body.value).toEqual([]);
  });

  test("ARM-120: moving, checking names and SKUs aren't offered: 404", async () => {
    const group = `/subscriptions/${subscriptionId}/resourceGroups/g`;
    const provider = `/subscriptions/${subscriptionId}/providers/RedHat.OpenShift`;
    for (const [method, path] of [
      ["POST", `${group}/moveResources`],
      ["POST", `${group}/validateMoveResources`],
      ["POST", `${provider}/checkNameAvailability`],
      ["GET", clusterPath("c/skus")],
    ] as const) {
      const answer = await rp.send(method, at(path), method === "POST" ? { body: {} } : {});
      expect([path, answer.status, answer.body.error.code]).toEqual([path, 404, "NotFound"]);
    }
  });
});

test("ARM-116: there is one of them for each operation of the contract, one to register, and no other", async () => {
  const verbs: Readonly<Record<string, string>> = {
    get: "read",
    put: "write",
    patch: "write",
    delete: "delete",
    post: "action",
  };
  const needed = new Map([["RedHat.OpenShift/register/action", "ARM's own"]]);
  for (const version of versions) {
    const operations = Object.entries(runtimeDocument(version).paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => {
        const type = path
          .split("/providers/")
          .at(-1)
          ?.replaceAll(/\/\{\w+\}/g, "");
        return [`${type}/${verbs[method]}`, operationId] as const;
      }),
    );
    expect(operations.map(([, id]) => id).toSorted()).toEqual(
      [...operationIds[version]].toSorted(),
    );
    for (const [name, operationId] of operations) needed.set(name, operationId);
  }
  const [{ name: version } = { name: "" }] = servedVersions;
  const path = `/providers/RedHat.OpenShift/operations?api-version=${version}`;
  const { body } = await rp.send("GET", path);
  const names: readonly string[] = body.value.map(({ name }: { name: string }) => name);
  expect(names.toSorted()).toEqual([...needed.keys()].toSorted());
});

test("ARM-111, ARM-112: Deleted allows nothing but GET, and every cluster goes by itself", async () => {
  const seen = servedVersions.map(async (version) => {
    const subscription = freshSubscription();
    const body = inSubscription(version.smallest, subscription);
    const path = (name: string): string =>
      new ArmCaller(rp, version).at(clusterPath(name, { subscription }));
    const names = ["a", "b", "c"];
    for (const name of names) await rp.send("PUT", path(name), { body });
    await announce(subscription, "Deleted");
    for (const [method, target] of [
      ["PUT", path("new")],
      ["PUT", path("a")],
      ["PATCH", path("a")],
      ["POST", path("a").replace("?", "/listCredentials?")],
    ] as const) {
      const answer = await rp.send(method, target, method === "POST" ? {} : { body });
      expect([answer.status, answer.body.error.code]).toEqual([409, "InvalidSubscriptionState"]);
    }
    const list = path("a").replace("/a?", "?");
    await rp.until(list, (answer) => answer.body.value.length === 0);
    for (const name of names) expect((await rp.send("GET", path(name))).status).toBe(404);
  });
  await Promise.all(seen);
});
