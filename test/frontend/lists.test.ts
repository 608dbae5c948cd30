/** The lists, over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { providerPartition, schemaVersion, type ListedCluster } from "../../src/model/document.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import type { Store } from "../../src/store/store.ts";
import { clusterPath, smallestBody, StartedRp, subscriptionId } from "./startedRp.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start();
});
afterAll(async () => rp[Symbol.asyncDispose]());

const other = "00000000-0000-4000-8000-00000000000f";

function groupPath(group: string, subscription = subscriptionId): string {
  return clusterPath("", { group, subscription }).slice(0, -1);
}

function subscriptionPath(subscription = subscriptionId): string {
  return `/subscriptions/${subscription}/providers/RedHat.OpenShift/OpenShiftClusters`;
}

function names(body: { value: { name: string }[] }): string[] {
  return body.value.map(({ name }) => name);
}

test("seed 18, ARM-58: an empty list is an empty array", async () => {
  for (const path of [groupPath("nobody"), subscriptionPath(other)]) {
    const answer = await rp.get(path);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ value: [] });
  }
});

test("ARM-56, ARM-57: a group shows its own clusters alone, a subscription those of all its groups", async () => {
  await rp.put(clusterPath("a", { group: "rg" }), smallestBody);
  await rp.put(clusterPath("b", { group: "rg1" }), smallestBody);
  await rp.put(clusterPath("c", { group: "r" }), smallestBody);
  await rp.put(clusterPath("d", { group: "rg", subscription: other }), smallestBody);
  expect(names((await rp.get(groupPath("RG"))).body)).toEqual(["a"]);
  expect(names((await rp.get(groupPath("rg1"))).body)).toEqual(["b"]);
  expect(names((await rp.get(subscriptionPath())).body).toSorted()).toEqual(["a", "b", "c"]);
  expect(names((await rp.get(subscriptionPath(other))).body)).toEqual(["d"]);
  const [listed] = (await rp.get(groupPath("rg"))).body.value;
  expect(listed).toEqual((await rp.get(clusterPath("a", { group: "rg" }))).body);
});

test("ARM-07: letters of any script name a group", async () => {
  const group = "Grp-ü_(1).x";
  expect((await rp.put(clusterPath("u", { group }), smallestBody)).status).toBe(201);
  const list = await rp.get(groupPath("GRP-Ü_(1).X"));
  expect(names(list.body)).toEqual(["u"]);
  expect(list.body.value[0].id).toContain(`/resourceGroups/${group}/`);
});

test("ARM-60 to ARM-64: pages follow their links to the end, each cluster once", async () => {
  const subscription = "00000000-0000-4000-8000-0000000000aa";
  const expected = Array.from({ length: 7 }, (_, index) => `c${index}`);
  for (const name of expected) {
    await rp.put(clusterPath(name, { group: "paged", subscription }), smallestBody);
  }
  const seen: string[] = [];
  let link: string | undefined = `${groupPath("paged", subscription)}?$top=3`;
  const headers = { Referer: "https://management.azure.com/whatever" };
  for (let page = 0; link !== undefined && page < 10; page += 1) {
    const answer = await rp.get(link, { headers });
    seen.push(...names(answer.body));
    expect(answer.body.value.length).toBeLessThanOrEqual(3);
    link = answer.body.nextLink;
    if (link !== undefined) {
      expect(new URL(link).origin).toBe("https://management.azure.com");
      link = link.slice("https://management.azure.com".length);
    }
  }
  expect(seen).toEqual(expected);
});

test.each(["0", "-1", "x", "1.5", "9999999999"])("ARM-64: $top=%s is refused", async (top) => {
  const answer = await rp.get(`${groupPath("rg")}?$top=${top}`);
  expect(answer.status).toBe(400);
  expect(answer.body.error.target).toBe("$top");
});

test("ARM-63: a token that is made up, or of another list, is refused", async () => {
  const subscription = "00000000-0000-4000-8000-0000000000ab";
  await rp.put(clusterPath("x", { group: "one", subscription }), smallestBody);
  await rp.put(clusterPath("y", { group: "one", subscription }), smallestBody);
  const first = await rp.get(`${groupPath("one", subscription)}?$top=1`);
  const token = new URL(first.body.nextLink).searchParams.get("$skipToken") ?? "";
  // one character of it is another
  const changed = `${token.slice(0, 40)}${token[40] === "A" ? "B" : "A"}${token.slice(41)}`;
  for (const path of [
    `${groupPath("two", subscription)}?$skipToken=${token}`,
    `${subscriptionPath(subscription)}?$skipToken=${token}`,
    `${groupPath("one", subscription)}?$skipToken=nonsense`,
    `${groupPath("one", subscription)}?$skipToken=${token.slice(1)}`,
    `${groupPath("one", subscription)}?$skipToken=`,
    `${groupPath("one", subscription)}?$skipToken=${changed}`,
    `${groupPath("one", subscription)}?$skipToken=${token}.`,
  ]) {
    const answer = await rp.get(path);
    expect(answer.status).toBe(400);
    expect(answer.body.error.target).toBe("$skipToken");
  }
});

test("ARM-28: a page of the fattest clusters stays far below 8 MB, and none is left out", async () => {
  const subscription = "00000000-0000-4000-8000-0000000000ac";
  // each character takes six bytes in JSON
  const tags = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [
      `${index}`.padEnd(512, "\ud800"),
      "\u0001".repeat(256),
    ]),
  );
  const expected = Array.from({ length: 40 }, (_, index) => `fat${String(index).padStart(2, "0")}`);
  for (const name of expected) {
    const answer = await rp.put(clusterPath(name, { subscription }), { ...smallestBody, tags });
    expect(answer.status).toBe(201);
  }
  const seen: string[] = [];
  let link: string | undefined = subscriptionPath(subscription);
  while (link !== undefined) {
    const answer = await rp.get(link);
    expect(answer.text.length).toBeLessThan(5_000_000);
    seen.push(...names(answer.body));
    link = answer.body.nextLink;
  }
  expect(seen).toEqual(expected);
});

test("ARM-61: the link to the next page keeps the caller's query", async () => {
  const subscription = "00000000-0000-4000-8000-0000000000ad";
  for (const name of ["a", "b"]) await rp.put(clusterPath(name, { subscription }), smallestBody);
  const answer = await rp.get(
    `${subscriptionPath(subscription)}?$filter=x eq 1&foo=1&foo=2&$TOP=1`,
  );
  const next = new URL(answer.body.nextLink).searchParams;
  expect(next.get("$filter")).toBe("x eq 1");
  expect(next.getAll("foo")).toEqual(["1", "2"]);
  expect(next.get("$top")).toBe("1");
  expect(next.getAll("api-version")).toHaveLength(1);
});

test.each([
  ["ασ", "ΑΣ"],
  ["ος", "ΟΣ"],
  ["µ", "Μ"],
  ["ä", "Ä"],
  ["i", "I"],
])("ARM-02: group %s is group %s", async (one, other) => {
  expect((await rp.put(clusterPath("folded", { group: one }), smallestBody)).status).toBe(201);
  expect((await rp.get(clusterPath("folded", { group: other }))).status).toBe(200);
  expect((await rp.get(groupPath(other))).body.value).toHaveLength(1);
});

test.each([
  ["ß", "SS"],
  ["ı", "i"],
  ["ſ", "s"],
])("ARM-02: group %s is not group %s", async (one, other) => {
  expect((await rp.put(clusterPath("apart", { group: one }), smallestBody)).status).toBe(201);
  expect((await rp.get(clusterPath("apart", { group: other }))).status).toBe(404);
});

test("ARM-63: a token made by one frontend is good for another on the same store", async () => {
  const subscription = "00000000-0000-4000-8000-0000000000ae";
  await using first = await StartedRp.start();
  await using second = await StartedRp.start({ store: () => first.store });
  for (const name of ["a", "b"]) await first.put(clusterPath(name, { subscription }), smallestBody);
  const page = await first.get(`${subscriptionPath(subscription)}?$top=1`);
  const link = new URL(page.body.nextLink);
  expect(names((await second.get(`${link.pathname}${link.search}`)).body)).toEqual(["b"]);
  expect(link.search).not.toContain(Buffer.from("group|a").toString("base64url").slice(0, 8));
});

test("a key marked as too new for us makes no token, and is kept", async () => {
  await using provider = await StartedRp.start();
  const document = {
    kind: "key",
    id: "skipToken",
    subscriptionId: providerPartition,
    schemaVersion: schemaVersion + 1,
    minimumSchemaVersion: schemaVersion + 1,
    secrets: { key: "of another form" },
  } as const;
  const [kept] = await provider.store.commit(providerPartition, [{ create: document }]);
  for (const name of ["a", "b"]) await provider.put(clusterPath(name), smallestBody);
  const answer = await provider.get(`${groupPath("group")}?$top=1`);
  expect(answer.status).toBe(503);
  expect(answer.body.error.code).toBe("DocumentTooNew");
  const key = { partition: providerPartition, id: document.id };
  expect(await provider.store.read("key", key)).toEqual(kept);
});

test("a damaged document is left out of a list and doesn't take it along", async () => {
  const records: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, message) => void records.push(message) };
  const damaged = (listed: ListedCluster): ListedCluster =>
    listed.name === "b" ? ({ id: listed.id } as ListedCluster) : listed;
  await using provider = await StartedRp.start({
    log: { ...log, child: () => log },
    store: (store) =>
      new Proxy(store, {
        get: (target, name: keyof Store) =>
          name === "listClusters"
            ? async (...given: Parameters<Store["listClusters"]>) => {
                const page = await target.listClusters(...given);
                return { ...page, items: page.items.map(damaged) };
              }
            : (target[name] as () => unknown).bind(target),
      }),
  });
  for (const name of ["a", "b", "c"]) await provider.put(clusterPath(name), smallestBody);
  const answer = await provider.get(groupPath("group"));
  expect(answer.status).toBe(200);
  expect(names(answer.body)).toEqual(["a", "c"]);
  expect(records).toContain("a damaged document can't be shown in a list");
});
