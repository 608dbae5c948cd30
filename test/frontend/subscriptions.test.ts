/** ARM announces subscriptions, and their state decides what is allowed, over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { schemaVersion } from "../../src/model/document.ts";
import { subscriptionKey } from "../../src/model/subscription.ts";
import { clusterPath, smallestBody, StartedRp, type RpResponse } from "./startedRp.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true });
});
afterAll(async () => rp[Symbol.asyncDispose]());

let lastSubscription = 0;
/** A subscription of a test's own. */
function freshSubscription(): string {
  lastSubscription += 1;
  return `00000000-0000-4000-9000-${String(lastSubscription).padStart(12, "0")}`;
}

async function announce(
  id: string,
  state: unknown,
  more: Readonly<Record<string, unknown>> = {},
  started = rp,
): Promise<RpResponse> {
  return started.send("PUT", `/subscriptions/${id}?api-version=2.0`, { body: { state, ...more } });
}

describe("announcements", () => {
  test("ARM-107, ARM-108: 200 with the same document, the first time and again", async () => {
    const id = freshSubscription();
    const more = {
      registrationDate: "Tue, 15 Nov 1994 08:12:31 GMT",
      properties: { tenantId: "t", quotaId: "q", accountOwner: { email: "a@example.com" } },
    };
    for (let time = 0; time < 3; time += 1) {
      const answer = await announce(id, "Registered", more);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ state: "Registered", ...more });
    }
  });

  test("ARM-109: every state may follow every other", async () => {
    const states = ["Registered", "Unregistered", "Warned", "Suspended", "Deleted"];
    for (const from of states) {
      for (const to of states) {
        const id = freshSubscription();
        expect((await announce(id, from)).status).toBe(200);
        expect((await announce(id, to)).status).toBe(200);
      }
    }
  });

  test("ARM-110: members of any type that nobody knows are tolerated", async () => {
    const answer = await announce(freshSubscription(), "Registered", {
      registrationDate: null,
      properties: { registeredFeatures: null, managedByTenants: null, spendingLimit: 5 },
      something: [{ new: true }],
    });
    expect(answer.status).toBe(200);
  });

  test.each([undefined, null, 5, "", "registered", "Gone", { state: "Registered" }])(
    "ARM-110: state %j is refused with its target",
    async (state) => {
      const id = freshSubscription();
      const answer = await announce(id, state);
      expect(answer.status).toBe(400);
      expect(answer.body.error.target).toBe("state");
    },
  );

  test.each(["null", "[]", '"Registered"', "", "{"])(
    "ARM-110: body %j is refused",
    async (rawBody) => {
      const answer = await rp.send("PUT", `/subscriptions/${freshSubscription()}?api-version=2.0`, {
        rawBody,
        headers: { "Content-Type": "application/json" },
      });
      expect(answer.status).toBe(400);
    },
  );

  test("ARM-15: only with api-version 2.0, which is good for nothing else", async () => {
    const id = freshSubscription();
    const body = { state: "Registered" };
    for (const query of ["", "?api-version=2019-12-31-preview", "?api-version=2.1"]) {
      const answer = await rp.send("PUT", `/subscriptions/${id}${query}`, { body });
      expect(answer.status).toBe(400);
    }
    const cluster = await rp.send("GET", `${clusterPath("x")}?api-version=2.0`);
    expect(cluster.status).toBe(400);
    expect((await rp.send("GET", `/subscriptions/${id}?api-version=2.0`)).status).toBe(405);
    expect((await rp.send("PUT", "/subscriptions/x?api-version=2.0", { body })).status).toBe(400);
  });

  test("ARM-108: 40 announcements at once all succeed", async () => {
    const id = freshSubscription();
    const states = ["Registered", "Warned", "Suspended", "Deleted"];
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => announce(id, states[index % 4])),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test("members that a newer release has put into the document stay", async () => {
    const id = freshSubscription();
    await announce(id, "Registered");
    const key = subscriptionKey(id);
    const stored = await rp.store.read("subscription", key);
    if (stored === undefined) throw new Error("not there");
    const document = { ...stored.document, future: { kept: [true] } };
    await rp.store.commit(key.partition, [{ replace: stored, document }]);
    for (const state of ["Warned", "Deleted", "Registered"]) {
      expect((await announce(id, state)).status).toBe(200);
      const after = await rp.store.read("subscription", key);
      expect(after?.document).toMatchObject({ state, future: { kept: [true] } });
    }
  });

  test("a body that is nested without end is refused, not echoed", async () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const answer = await rp.send("PUT", `/subscriptions/${freshSubscription()}?api-version=2.0`, {
      rawBody: `{"state":"Registered","properties":${deep}}`,
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("InvalidRequestContent");
  });
});

describe("the gate", () => {
  /** What each call answers in a state: allowed or not. */
  async function calls(subscription: string): Promise<Record<string, number>> {
    const path = clusterPath("c", { subscription });
    const fresh = clusterPath("fresh", { subscription });
    const answers = {
      get: await rp.get(path),
      list: await rp.get(path.slice(0, path.lastIndexOf("/"))),
      put: await rp.put(path, smallestBody),
      create: await rp.put(fresh, smallestBody),
      patch: await rp.patch(path, {}),
      credentials: await rp.get(`${path}/credentials`),
      listCredentials: await rp.send(
        "POST",
        `${path}/listCredentials?api-version=2019-12-31-preview`,
      ),
      patchMissing: await rp.patch(clusterPath("none", { subscription }), {}),
      delete: await rp.delete(clusterPath("none", { subscription })),
    };
    for (const answer of Object.values(answers)) {
      if (answer.status === 409) expect(answer.body.error.code).toBe("InvalidSubscriptionState");
    }
    return Object.fromEntries(Object.entries(answers).map(([name, { status }]) => [name, status]));
  }

  const onlyGet = { get: 200, list: 200, put: 409, create: 409, patch: 409, credentials: 409 };
  test.each([
    ["Warned", { ...onlyGet, listCredentials: 409, patchMissing: 409, delete: 204 }],
    ["Suspended", { ...onlyGet, listCredentials: 409, patchMissing: 409, delete: 204 }],
    ["Unregistered", { ...onlyGet, listCredentials: 409, patchMissing: 409, delete: 409 }],
  ])("ARM-111, ARM-113, decision 19: %s, and back to Registered", async (state, expected) => {
    const subscription = freshSubscription();
    const path = clusterPath("c", { subscription });
    await announce(subscription, "Registered");
    await rp.put(path, smallestBody);
    const before = await rp.until(
      path,
      ({ body }) => body.properties.provisioningState === "Succeeded",
    );
    await announce(subscription, state);
    expect(await calls(subscription)).toEqual(expected);
    expect((await rp.get(path)).body).toEqual(before.body);
    await announce(subscription, "Registered");
    expect((await rp.put(path, smallestBody)).status).toBe(200);
    expect((await rp.get(`${path}/credentials`)).status).toBe(200);
  });

  test.each([
    ["Warned", "enable the subscription; until then its clusters can only be read and deleted."],
    ["Suspended", "enable the subscription; until then its clusters can only be read and deleted."],
    ["Unregistered", "register the resource provider RedHat.OpenShift in the subscription."],
    ["Deleted", "its clusters are being removed; use another subscription."],
  ])("a refusal says what to do when it is %s", async (state, advice) => {
    const subscription = freshSubscription();
    await announce(subscription, state);
    const refused = await rp.put(clusterPath("c", { subscription }), smallestBody);
    expect(refused.status).toBe(409);
    expect(refused.body.error.message).toBe(
      `The request is not allowed in the state '${state}' of subscription '${subscription}': ${advice}`,
    );
  });

  test("ARM-59, ARM-111, decision 11: one that was never announced counts as the setting says", async () => {
    await using strict = await StartedRp.start({ unannouncedSubscriptions: "Unregistered" });
    const subscription = freshSubscription();
    const path = clusterPath("c", { subscription });
    const refused = await strict.put(path, smallestBody);
    expect(refused.status).toBe(409);
    expect(refused.body.error.code).toBe("InvalidSubscriptionState");
    expect(refused.body.error.message).toBe(
      `The request is not allowed in the state 'Unregistered' of subscription '${subscription}', which has never been ` +
        "announced to this provider: register the resource provider RedHat.OpenShift in the subscription.",
    );
    expect((await strict.get(path)).status).toBe(404);
    await announce(subscription, "Registered", {}, strict);
    expect((await strict.put(path, smallestBody)).status).toBe(201);
  });

  test("a subscription marked as too new for us allows nothing but reading, and takes no announcement", async () => {
    const subscription = freshSubscription();
    const path = clusterPath("c", { subscription });
    await announce(subscription, "Registered");
    await rp.put(path, smallestBody);
    await rp.until(path, ({ body }) => body.properties.provisioningState === "Succeeded");
    const key = subscriptionKey(subscription);
    const stored = await rp.store.read("subscription", key);
    if (stored === undefined) throw new Error("not there");
    const document = { ...stored.document, minimumSchemaVersion: schemaVersion + 1 };
    const [marked] = await rp.store.commit(key.partition, [{ replace: stored, document }]);
    for (const answer of [
      await rp.put(path, smallestBody),
      await rp.put(clusterPath("fresh", { subscription }), smallestBody),
      await rp.patch(path, { tags: {} }),
      await rp.delete(path),
      await rp.get(`${path}/credentials`),
      await announce(subscription, "Deleted"),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.body.error.code).toBe("DocumentTooNew");
      expect(answer.body.error.message).toMatch(/^The subscription was written by a newer release/);
    }
    expect((await rp.get(path)).status).toBe(200);
    expect(await rp.store.read("subscription", key)).toEqual(marked);
  });

  test("ARM-87: operations can be followed in every state", async () => {
    const subscription = freshSubscription();
    const created = await rp.put(clusterPath("c", { subscription }), smallestBody);
    await announce(subscription, "Suspended");
    const link = created.headers.get("azure-asyncoperation") ?? "";
    expect((await rp.get(link)).status).toBe(200);
  });
});

describe("Deleted", () => {
  test("ARM-112: every cluster goes by itself, whatever its state, over several pages", async () => {
    const subscription = freshSubscription();
    const names = Array.from({ length: 45 }, (_, index) => `c${index}`);
    await Promise.all(
      names.map(async (name) => rp.put(clusterPath(name, { subscription }), smallestBody)),
    );
    // some are created by now, others not yet
    await announce(subscription, "Deleted");
    const list = `/subscriptions/${subscription}/providers/RedHat.OpenShift/OpenShiftClusters`;
    const left = await rp.until(list, ({ body }) => body.value.length === 0);
    expect(left.body).toEqual({ value: [] });
    expect((await rp.put(clusterPath("c0", { subscription }), smallestBody)).status).toBe(409);
    await announce(subscription, "Registered");
    expect((await rp.put(clusterPath("c0", { subscription }), smallestBody)).status).toBe(201);
  });

  test("ARM-112: the removal begins at once, not when the forwarder looks by itself", async () => {
    await using slow = await StartedRp.start({ workers: true, intervalMs: 3_600_000 });
    const subscription = freshSubscription();
    const path = clusterPath("c", { subscription });
    await slow.put(path, smallestBody);
    await slow.until(path, ({ body }) => body.properties.provisioningState === "Succeeded");
    expect((await announce(subscription, "Deleted", {}, slow)).status).toBe(200);
    await slow.until(path, ({ status }) => status === 404);
  }, 10_000);

  test("ARM-112: a cluster of another subscription stays", async () => {
    const [gone, stays] = [freshSubscription(), freshSubscription()];
    for (const subscription of [gone, stays]) {
      await rp.put(clusterPath("c", { subscription }), smallestBody);
    }
    await announce(gone, "Deleted");
    await rp.until(clusterPath("c", { subscription: gone }), ({ status }) => status === 404);
    expect((await rp.get(clusterPath("c", { subscription: stays }))).status).toBe(200);
  });
});
