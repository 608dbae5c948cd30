/** Section F of the contract of ARM: GET of a cluster, and the lists. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterPath, StartedRp, subscriptionId, type RpResponse } from "../frontend/startedRp.ts";
import { ArmCaller, armOrigin, referer } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { servedVersions } from "./servedVersions.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start();
});
afterAll(async () => rp[Symbol.asyncDispose]());

function names({ body }: RpResponse): string[] {
  return body.value.map(({ name }: { name: string }) => name);
}

function ofSubscription(subscription: string): string {
  return `/subscriptions/${subscription}/providers/RedHat.OpenShift/OpenShiftClusters`;
}

/** The body with its ids in another subscription. */
function inSubscription(body: unknown, subscription: string): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(subscriptionId, subscription));
}

/** All pages, from a path on, as a caller behind ARM follows them. */
async function pages(path: string): Promise<RpResponse[]> {
  const found: RpResponse[] = [];
  for (let link: string | undefined = path; link !== undefined;) {
    const page = await rp.send("GET", link, { headers: referer });
    expect(page.status).toBe(200);
    found.push(page);
    const next: unknown = page.body.nextLink;
    expect(next).not.toBe("");
    link = typeof next === "string" ? next.slice(armOrigin.length) : undefined;
  }
  return found;
}

describe.each(servedVersions)("$name", (version) => {
  // a subscription of its own, as others' clusters are in the way
  const index = servedVersions.indexOf(version);
  const own = `00000000-0000-4000-8000-0000000001${String(index).padStart(2, "0")}`;
  const foreign = `00000000-0000-4000-8000-0000000002${String(index).padStart(2, "0")}`;
  const at = (path: string): string => new ArmCaller(rp, version).at(path);
  const group = (name: string, subscription = own): string =>
    clusterPath("", { group: name, subscription }).slice(0, -1);
  const put = async (name: string, where: string, subscription = own): Promise<RpResponse> => {
    const path = at(clusterPath(name, { group: where, subscription }));
    const answer = await rp.send("PUT", path, { body: inSubscription(version.full, subscription) });
    expect(answer.status).toBe(201);
    return answer;
  };
  const get = async (path: string): Promise<RpResponse> => rp.send("GET", at(path));

  test("ARM-55: GET is 200 in every state and changes nothing, 404 when there is none", async () => {
    const held = new HeldInstaller();
    await using worked = await StartedRp.start({ workers: true, installer: held.installer });
    const caller = new ArmCaller(worked, version);
    const expectState = async (state: string): Promise<void> => {
      const first = await caller.get("c");
      expect([first.status, first.body.properties.provisioningState]).toEqual([200, state]);
      for (const headers of [{ "If-Match": '"x"' }, {}]) {
        const again = await caller.get("c", headers);
        expect([again.status, again.body]).toEqual([200, first.body]);
      }
    };
    expect((await caller.get("c")).status).toBe(404);
    held.hold("create");
    const created = await caller.put("c", version.smallest);
    await expectState(version.creating);
    held.release("create");
    await caller.ended(created);
    await expectState("Succeeded");
    held.hold("update");
    held.fail("update");
    const pools = [{ name: "worker", count: 9 }];
    const updated = await caller.patch("c", { properties: { workerProfiles: pools } });
    await expectState("Updating");
    held.release("update");
    await caller.ended(updated);
    await expectState("Failed");
    held.hold("delete");
    const deleted = await caller.delete("c");
    await expectState("Deleting");
    held.release("delete");
    await caller.ended(deleted);
    const gone = await caller.get("c");
    expect([gone.status, gone.body.error.code]).toEqual([404, "ResourceNotFound"]);
  });

  test("ARM-58, ARM-59: nothing there is an empty list, also where nobody was announced", async () => {
    const unannounced = foreign.replace(/2(..)$/, "3$1");
    await using strict = await StartedRp.start({ unannouncedSubscriptions: "Unregistered" });
    for (const started of [rp, strict]) {
      for (const path of [group("none", unannounced), ofSubscription(unannounced)]) {
        const answer = await started.send("GET", at(path));
        expect([answer.status, answer.body]).toEqual([200, { value: [] }]);
      }
      const point = at(clusterPath("c", { subscription: unannounced }));
      expect((await started.send("GET", point)).body.error.code).toBe("ResourceNotFound");
    }
  });

  test("ARM-56, ARM-57, ARM-60: a list has its own clusters alone, each as its GET shows it", async () => {
    await put("a", "rg");
    await put("b", "rg1");
    await put("c", "r");
    await put("d", "rg", foreign);
    expect(names(await get(group("rg")))).toEqual(["a"]);
    expect(names(await get(group("RG1")))).toEqual(["b"]);
    expect(names(await get(group("g")))).toEqual([]);
    expect(names(await get(ofSubscription(own))).toSorted()).toEqual(["a", "b", "c"]);
    expect(names(await get(ofSubscription(foreign)))).toEqual(["d"]);
    for (const path of [group("rg"), ofSubscription(own)]) {
      const { body } = await get(path);
      expect(Object.keys(body)).toEqual(["value"]);
      for (const shown of body.value) expect(shown).toEqual((await get(shown.id)).body);
    }
  });

  test("ARM-61, ARM-62, ARM-64: pages follow their links through ARM to the end, each cluster once", async () => {
    const expected = Array.from({ length: 5 }, (_, number) => `p${number}`);
    for (const name of expected) await put(name, "paged");
    for (const top of [1, 2, 5, 6]) {
      const found = await pages(at(`${group("paged")}?$top=${top}&$filter=x eq 'y z'&foo=1&foo=2`));
      expect(found.flatMap(names)).toEqual(expected);
      expect(found).toHaveLength(Math.ceil(5 / top));
      for (const { body } of found.slice(0, -1)) {
        const link = new URL(body.nextLink);
        expect([link.origin, link.pathname]).toEqual([armOrigin, group("paged")]);
        const { searchParams: query } = link;
        expect(query.getAll("api-version")).toEqual([version.name]);
        expect([query.get("$filter"), query.getAll("foo")]).toEqual(["x eq 'y z'", ["1", "2"]]);
        expect(query.getAll("$skipToken")).toHaveLength(1);
      }
      expect(found.at(-1)?.body).not.toHaveProperty("nextLink");
    }
    for (const top of ["0", "-1", "x", "1e1", ""]) {
      expect((await get(`${group("paged")}?$top=${top}`)).status).toBe(400);
    }
  });

  test("ARM-62: what comes and goes while pages are followed hides nothing that stays", async () => {
    for (const name of ["m1", "m3", "m5", "m7"]) await put(name, "moving");
    const first = await get(`${group("moving")}?$top=2`);
    expect(names(first)).toEqual(["m1", "m3"]);
    await put("m2", "moving");
    await put("m6", "moving");
    const rest = await rp.get(first.body.nextLink);
    expect(names(rest)).toEqual(["m5", "m6"]);
    expect(names(await rp.get(rest.body.nextLink))).toEqual(["m7"]);
  });

  test("ARM-63: a token that is garbled, or of another collection, is refused", async () => {
    for (const name of ["s1", "s2", "s3"]) await put(name, "sealed");
    await put("s4", "sealed2");
    await put("s1", "sealed", foreign);
    const { body } = await get(`${group("sealed")}?$top=1`);
    const token = new URL(body.nextLink).searchParams.get("$skipToken") ?? "";
    expect(Buffer.from(token, "base64url").toString("latin1")).not.toContain("sealed");
    const middle = token.length >> 1;
    const flipped = token[middle] === "A" ? "B" : "A";
    for (const path of [
      `${group("sealed2")}?$skipToken=${token}`,
      `${group("sealed", foreign)}?$skipToken=${token}`,
      `${ofSubscription(own)}?$skipToken=${token}`,
      `${group("sealed")}?$skipToken=${token.slice(0, middle)}${flipped}${token.slice(middle + 1)}`,
      `${group("sealed")}?$skipToken=${token}A`,
      `${group("sealed")}?$skipToken=x`,
      `${group("sealed")}?$skipToken=`,
    ]) {
      const answer = await get(path);
      expect([answer.status, answer.body.error?.target]).toEqual([400, "$skipToken"]);
    }
    expect(names(await get(`${group("SEALED")}?$skipToken=${token}`))).toEqual(["s2", "s3"]);
  });
});
