/** The lists, over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
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

test.each(["0", "-1", "x", "1.5", "9999999999"])("$top=%s is refused", async (top) => {
  const answer = await rp.get(`${groupPath("rg")}?$top=${top}`);
  expect(answer.status).toBe(400);
  expect(answer.body.error.target).toBe("$top");
});

test("a token that is made up, or of another list, is refused", async () => {
  const subscription = "00000000-0000-4000-8000-0000000000ab";
  await rp.put(clusterPath("x", { group: "one", subscription }), smallestBody);
  await rp.put(clusterPath("y", { group: "one", subscription }), smallestBody);
  const first = await rp.get(`${groupPath("one", subscription)}?$top=1`);
  const token = new URL(first.body.nextLink).searchParams.get("$skipToken") ?? "";
  const [collection] = JSON.parse(Buffer.from(token, "base64url").toString()) as [string];
  const forged = Buffer.from(JSON.stringify([collection, "no place"])).toString("base64url");
  for (const path of [
    `${groupPath("two", subscription)}?$skipToken=${token}`,
    `${subscriptionPath(subscription)}?$skipToken=${token}`,
    `${groupPath("one", subscription)}?$skipToken=nonsense`,
    `${groupPath("one", subscription)}?$skipToken=${token.slice(1)}`,
    `${groupPath("one", subscription)}?$skipToken=`,
    `${groupPath("one", subscription)}?$skipToken=${forged}`,
  ]) {
    const answer = await rp.get(path);
    expect(answer.status).toBe(400);
    expect(answer.body.error.target).toBe("$skipToken");
  }
});
