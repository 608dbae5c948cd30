/** ARM-28 at the size that the contract names: lists of 2,000 fat clusters. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterKey } from "../../src/model/resourceId.ts";
import type { Write } from "../../src/store/store.ts";
import { clusterPath, StartedRp, subscriptionId } from "../frontend/startedRp.ts";
import { ArmCaller } from "./armCaller.ts";
import { servedVersions } from "./servedVersions.ts";

const count = 2_000;
const names = Array.from({ length: count }, (_, index) => `c${String(index).padStart(4, "0")}`);
const perCommit = 50;

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start();
  const [version] = servedVersions;
  if (version === undefined) throw new Error("no api-version is served");
  const tags = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`${index}`.padEnd(512, "n"), "v".repeat(256)]),
  );
  const made = new ArmCaller(rp, version, "fat");
  expect((await made.put("model", { ...version.full, tags })).status).toBe(201);
  const key = clusterKey({ subscriptionId, resourceGroup: "fat", name: "model" });
  const model = await rp.store.read("cluster", key);
  if (model === undefined) throw new Error("the model is not there");
  // written past the frontend, as 2,000 requests take their time
  for (let begin = 0; begin < count; begin += perCommit) {
    const writes = names.slice(begin, begin + perCommit).map((name): Write => {
      const { id } = clusterKey({ subscriptionId, resourceGroup: "fat", name });
      const resourceId = clusterPath(name, { group: "fat" });
      return { create: { ...model.document, id, name, resourceId } };
    });
    await rp.store.commit(key.partition, writes);
  }
  await rp.store.commit(key.partition, [{ delete: model }]);
}, 120_000);
afterAll(async () => rp[Symbol.asyncDispose]());

describe.each(servedVersions)("$name", (version) => {
  test("ARM-28: each page of 2,000 fat clusters is under 8 MB, and none is left out", async () => {
    const caller = new ArmCaller(rp, version, "fat");
    const seen: string[] = [];
    let pages = 0;
    for (let page = await caller.list(`?$top=${count}`); ; pages += 1) {
      expect(page.status).toBe(200);
      expect(Buffer.byteLength(page.text)).toBeLessThan(8 * 1024 * 1024);
      seen.push(...page.body.value.map(({ name }: { name: string }) => name));
      if (page.body.nextLink === undefined) break;
      page = await rp.get(page.body.nextLink);
    }
    expect(seen).toEqual(names);
    // together they are far more than one answer may be
    expect(pages).toBeGreaterThan(10);
  });
});
