/** What callers see when the store is slow, down, or loses an answer: nothing is lost, nothing done twice, no 500. */
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../src/model/document.ts";
import { schemaVersion } from "../../src/model/document.ts";
import { clusterKey } from "../../src/model/resourceId.ts";
import { subscriptionKey } from "../../src/model/subscription.ts";
import {
  SealingKeyUnknownError,
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type Store,
} from "../../src/store/store.ts";
import { TestClock } from "../runtime/testClock.ts";
import {
  clusterPath,
  smallestBody,
  StartedRp,
  subscriptionId,
  type RpResponse,
} from "./startedRp.ts";

/** A store of which some methods are replaced. */
function withMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const method = methods[name] ?? target[name];
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

const key = (name: string) => clusterKey({ subscriptionId, resourceGroup: "group", name });

test("seed 22, ARM-94: a store that is down or throttles gives 503 with Retry-After", async () => {
  let fault: Error = new StoreUnavailableError("host db-7 is down");
  const fail = async (): Promise<never> => {
    throw fault;
  };
  await using rp = await StartedRp.start({
    store: (store) => withMethods(store, { read: fail, commit: fail, listClusters: fail }),
  });
  const version = "api-version=2019-12-31-preview";
  const operation = (kind: string): string =>
    `/subscriptions/${subscriptionId}/providers/RedHat.OpenShift/locations/eastus/${kind}/${subscriptionId}`;
  const calls: (() => Promise<RpResponse>)[] = [
    async () => rp.put(clusterPath("x"), smallestBody),
    async () => rp.patch(clusterPath("x"), {}),
    async () => rp.delete(clusterPath("x")),
    async () => rp.get(clusterPath("x")),
    async () => rp.get(clusterPath("").slice(0, -1)),
    async () => rp.send("POST", `${clusterPath("x")}/listCredentials?${version}`),
    async () => rp.get(operation("operationStatuses")),
    async () => rp.get(operation("operationResults")),
    async () =>
      rp.send("PUT", `/subscriptions/${subscriptionId}?api-version=2.0`, {
        body: { state: "Registered" },
      }),
  ];
  for (const call of calls) {
    const answer = await call();
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(answer.text).not.toContain("db-7");
  }
  fault = new StoreUnavailableError("throttled", { retryAfterMs: 11_500 });
  expect((await rp.get(clusterPath("x"))).headers.get("retry-after")).toBe("12");
});

test("ARM-18, ARM-93: a defect gives a 500 that tells nothing but the request id", async () => {
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        read: async () => {
          throw new TypeError("secret internals");
        },
      }),
  });
  const response = await fetch(`${rp.url}${clusterPath("x")}?api-version=2019-12-31-preview`);
  expect(response.status).toBe(500);
  expect(response.headers.get("x-ms-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(response.headers.get("x-ms-error-code")).toBe("InternalServerError");
  expect(await response.json()).toEqual({
    error: { code: "InternalServerError", message: "Internal server error." },
  });
});

test.each(["before it was written", "after it was written"])(
  "a PUT whose commit lost its answer %s is answered as if nothing had happened",
  async (when) => {
    let lose = 1;
    await using rp = await StartedRp.start({
      store: (store) =>
        withMethods(store, {
          commit: (async (...given: Parameters<Store["commit"]>) => {
            if (lose-- > 0) {
              if (when.startsWith("after")) await store.commit(...given);
              throw new StoreOutcomeUnknownError("no answer");
            }
            return store.commit(...given);
          }) as Store["commit"],
        }),
    });
    const created = await rp.put(clusterPath("lost"), smallestBody);
    expect(created.status).toBe(201);
    const stored = await rp.store.read("cluster", key("lost"));
    expect(created.headers.get("azure-asyncoperation")).toContain(stored?.document.operation.id);
    expect((await rp.get(created.headers.get("azure-asyncoperation") ?? "")).status).toBe(200);

    lose = 1;
    const deleted = await rp.delete(clusterPath("lost"));
    expect(deleted.status).toBe(202);
    const after = await rp.store.read("cluster", key("lost"));
    expect(deleted.headers.get("location")).toContain(after?.document.operation.id);
  },
);

test("a commit that lands only after its repetition was begun is still one operation", async () => {
  let late: (() => Promise<unknown>) | undefined;
  let calls = 0;
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        commit: (async (...given: Parameters<Store["commit"]>) => {
          calls += 1;
          if (calls === 1) {
            late = async () => store.commit(...given);
            throw new StoreOutcomeUnknownError("no answer");
          }
          await late?.();
          return store.commit(...given);
        }) as Store["commit"],
      }),
  });
  const created = await rp.put(clusterPath("late"), smallestBody);
  expect(created.status).toBe(201);
  const stored = await rp.store.read("cluster", key("late"));
  expect(created.headers.get("azure-asyncoperation")).toContain(stored?.document.operation.id);
});

test("a commit that lands between two looks is no conflict with itself", async () => {
  let late: (() => Promise<unknown>) | undefined;
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        commit: (async (...given: Parameters<Store["commit"]>) => {
          if (late !== undefined) return store.commit(...given);
          late = async () => store.commit(...given);
          throw new StoreOutcomeUnknownError("no answer");
        }) as Store["commit"],
        // it lands whenever the frontend has just looked for its record
        read: (async (...given: Parameters<Store["read"]>) => {
          const found = await store.read(...given);
          if (given[0] === "operation" && late !== undefined) await late().catch(() => {});
          return found;
        }) as Store["read"],
      }),
  });
  const headers = { "If-None-Match": "*" };
  expect((await rp.put(clusterPath("between"), smallestBody, { headers })).status).toBe(201);
});

test("a commit without an answer in the last of all races is still looked for", async () => {
  let calls = 0;
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        commit: (async (...given: Parameters<Store["commit"]>) => {
          calls += 1;
          if (calls < 5) throw new StoreConflictError("somebody else was faster");
          await store.commit(...given);
          throw new StoreOutcomeUnknownError("no answer");
        }) as Store["commit"],
      }),
  });
  expect((await rp.put(clusterPath("last"), smallestBody)).status).toBe(201);
});

test("ARM-68: DELETE wins also after many lost races", async () => {
  let left = 12;
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        commit: (async (...given: Parameters<Store["commit"]>) => {
          const isDelete = JSON.stringify(given[1]).includes('"Deleting"');
          if (isDelete && left-- > 0) throw new StoreConflictError("somebody else was faster");
          return store.commit(...given);
        }) as Store["commit"],
      }),
  });
  await rp.put(clusterPath("contended"), smallestBody);
  expect((await rp.delete(clusterPath("contended"))).status).toBe(202);
});

test("ARM-68: a DELETE that loses every race gets a 503 when its time is up, also in the pause between two", async () => {
  const clock = new TestClock();
  let isOver = false;
  await using rp = await StartedRp.start({
    clock,
    store: (store) =>
      withMethods(store, {
        commit: (async (...given: Parameters<Store["commit"]>) => {
          const isDelete = JSON.stringify(given[1]).includes('"Deleting"');
          if (isDelete) throw new StoreConflictError("somebody else was faster");
          return store.commit(...given);
        }) as Store["commit"],
      }),
  });
  await rp.put(clusterPath("contended"), smallestBody);
  const answered = rp.delete(clusterPath("contended")).finally(() => (isOver = true));
  while (!isOver) await clock.advance(70);
  expect((await answered).status).toBe(503);
});

test("ARM-101: races that are lost again and again end in 409, not 500", async () => {
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        commit: async () => {
          throw new StoreConflictError("somebody else was faster");
        },
      }),
  });
  const answer = await rp.put(clusterPath("unlucky"), smallestBody);
  expect(answer.status).toBe(409);
  expect(answer.headers.get("retry-after")).toBe("1");
});

test("ARM-27: a store that hangs gets the caller a 503 in time", async () => {
  const clock = new TestClock();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await using rp = await StartedRp.start({
    clock,
    store: (store) =>
      withMethods(store, {
        read: (async (_kind, _key, options) => {
          const { promise, reject } = Promise.withResolvers<never>();
          options?.signal?.addEventListener("abort", () => reject(options.signal?.reason));
          resolve();
          return promise;
        }) as Store["read"],
      }),
  });
  const answer = rp.get(clusterPath("hung"));
  await asked;
  await clock.advance(30_000);
  expect((await answer).status).toBe(503);
});

test("seed 11: a cluster marked as too new for us is refused alone; one with unknown members is served", async () => {
  await using rp = await StartedRp.start();
  await rp.put(clusterPath("new"), smallestBody);
  await rp.put(clusterPath("old"), smallestBody);
  const change = async (name: string, members: object): Promise<void> => {
    const stored = await rp.store.read("cluster", key(name));
    if (stored === undefined) throw new Error("not there");
    const document = { ...stored.document, ...members } as ClusterDocument;
    await rp.store.commit(stored.document.subscriptionId, [{ replace: stored, document }]);
  };
  await change("new", { minimumSchemaVersion: schemaVersion + 1 });
  await change("old", { schemaVersion: schemaVersion + 1, fromTheFuture: { deep: [1] } });
  for (const answer of [
    await rp.get(clusterPath("new")),
    await rp.put(clusterPath("new"), smallestBody),
    await rp.delete(clusterPath("new")),
  ]) {
    expect(answer.status).toBe(503);
    expect(answer.body.error.code).toBe("DocumentTooNew");
  }
  expect((await rp.get(clusterPath("old"))).status).toBe(200);
  expect((await rp.delete(clusterPath("old"))).status).toBe(202);
  const stored = await rp.store.read("cluster", key("old"));
  expect(stored?.document).toMatchObject({
    fromTheFuture: { deep: [1] },
    schemaVersion: schemaVersion + 1,
  });
  const list = await rp.get(clusterPath("").slice(0, -1));
  expect(list.body.value.map(({ name }: { name: string }) => name)).toEqual(["old"]);
});

test("a cluster that is sealed by a key which isn't there is refused alone what needs them, by the key's name; it is shown and can be deleted, and lists go on", async () => {
  const lost = ["rg|lost", "group|lost", "skipToken"];
  await using rp = await StartedRp.start({
    store: (store) =>
      withMethods(store, {
        read: (async (...given: Parameters<Store["read"]>) => {
          const isOpened = given[2]?.openSecrets !== false;
          if (!lost.includes(given[1].id) || !isOpened) return store.read(...given);
          throw new SealingKeyUnknownError("host-7 has no such key", "key-1");
        }) as Store["read"],
      }),
  });
  for (const name of ["other", "third"]) await rp.put(clusterPath(name), smallestBody);
  const stored = await rp.store.read("cluster", key("other"));
  if (stored === undefined) throw new Error("not there");
  const document = { ...stored.document, id: key("lost").id, name: "lost" };
  await rp.store.commit(document.subscriptionId, [{ create: document }]);
  const version = "api-version=2019-12-31-preview";
  for (const answer of [
    await rp.put(clusterPath("lost"), smallestBody),
    await rp.patch(clusterPath("lost"), { tags: {} }),
    await rp.send("POST", `${clusterPath("lost")}/listCredentials?${version}`),
  ]) {
    expect(answer.status).toBe(503);
    expect(answer.body.error).toMatchObject({
      code: "SealingKeyUnknown",
      message: expect.stringContaining("'key-1'"),
    });
    expect(answer.text).not.toContain("host-7");
  }
  for (const name of ["lost", "other"]) {
    expect((await rp.get(clusterPath(name))).status).toBe(200);
  }
  // the key of the links is lost too, and has a substitute
  const first = await rp.get(`${clusterPath("").slice(0, -1)}?$top=2`);
  expect(first.body.value).toHaveLength(2);
  const second = await rp.get(first.body.nextLink);
  expect(second.body.value).toHaveLength(1);
  expect(second.body.nextLink).toBeUndefined();
  expect((await rp.delete(clusterPath("lost"))).status).toBe(202);
});

/** The first commit that a request makes takes place, and its answer is lost; before anything else, this happens. */
function losingOneAnswer(meanwhile: () => Promise<unknown>): (store: Store) => Store {
  let isLost = false;
  return (store) =>
    withMethods(store, {
      commit: (async (...given: Parameters<Store["commit"]>) => {
        const committed = await store.commit(...given);
        if (isLost) return committed;
        isLost = true;
        await meanwhile();
        throw new StoreOutcomeUnknownError("no answer");
      }) as Store["commit"],
    });
}

describe("a write whose answer was lost, and after which others have written", () => {
  /** Two frontends on one store: the one loses an answer, the other serves somebody else meanwhile. */
  async function openBoth(meanwhile: (other: StartedRp) => Promise<unknown>) {
    const stack = new AsyncDisposableStack();
    const other = stack.use(await StartedRp.start({ workers: true }));
    const losing = losingOneAnswer(async () => meanwhile(other));
    const rp = stack.use(await StartedRp.start({ store: () => losing(other.store) }));
    return { rp, other, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
  }

  const announce = async (rp: StartedRp, state: string): Promise<number> => {
    const url = `/subscriptions/${subscriptionId}?api-version=2.0`;
    return (await rp.send("PUT", url, { body: { state } })).status;
  };

  test("an older announcement doesn't come back", async () => {
    await using both = await openBoth(async (other) => {
      expect(await announce(other, "Registered")).toBe(200);
    });
    expect(await announce(both.rp, "Deleted")).toBe(200);
    const stored = await both.other.store.read("subscription", subscriptionKey(subscriptionId));
    expect(stored?.document.state).toBe("Registered");
    expect(stored?.document.purge).toBeUndefined();
  });

  test.each(["no precondition", "If-Match"])(
    "tags that were written are answered 200, with %s",
    async (what) => {
      await using both = await openBoth(async (other) => {
        const changed = await other.patch(clusterPath("tagged"), {
          properties: { workerProfiles: [{ name: "worker", count: 5 }] },
        });
        expect(changed.status).toBe(202);
      });
      const before = await both.other.created("tagged");
      const headers = what === "If-Match" ? { "If-Match": String(before.headers.get("etag")) } : {};
      const tagged = await both.rp.patch(
        clusterPath("tagged"),
        { tags: { mine: "1" } },
        { headers },
      );
      expect(tagged.status).toBe(200);
      expect(tagged.body).toMatchObject({ tags: { mine: "1" } });
    },
  );

  test("tags that somebody else has replaced since stay replaced", async () => {
    await using both = await openBoth(async (other) => {
      const theirs = await other.patch(clusterPath("tagged"), { tags: { owner: "theirs" } });
      expect(theirs.status).toBe(200);
    });
    await both.other.created("tagged");
    const mine = await both.rp.patch(clusterPath("tagged"), { tags: { owner: "mine" } });
    expect(mine.status).toBe(200);
    const { body } = await both.other.get(clusterPath("tagged"));
    expect(body).toMatchObject({ tags: { owner: "theirs" } });
  });
});
