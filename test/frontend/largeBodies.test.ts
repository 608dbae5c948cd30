/**
 * Nothing that a caller may send makes a cluster outgrow what a store can hold (2 MiB in one commit, as Cosmos DB has it): such a
 * commit would be a 500, and in a worker an operation that never ends. A document holds secrets twice while they change.
 */
import { expect, test } from "vitest";
import { commitBytesMax } from "../../src/store/store.ts";
import { having, servedVersions, type Properties } from "../arm/servedVersions.ts";
import { clusterPath, StartedRp, subscriptionId } from "./startedRp.ts";

/** Leaves room for what makes a document larger on its way to the store, such as sealing, and for the records beside it. */
const bytesMax = commitBytesMax / 2;
const [, stable] = servedVersions;
if (stable === undefined) throw new TypeError("2020-04-30 is not served");
/** Three bytes for one character. */
const wide = "\u{ff21}";

/** As many tags as there may be, of the largest kind. */
function largestTags(seed: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => {
      const name = `${index}-${seed}-`;
      return [name.padEnd(512, wide), wide.repeat(256)];
    }),
  );
}

function largestPullSecret(seed: number): string {
  const json = JSON.stringify({ auths: { "registry.example": { auth: `${seed}` } } });
  return json.replace(`"${seed}"`, `"${seed}${wide.repeat(64 * 1024 - json.length)}"`);
}

/** Secrets as large as they may be, in each version's form. */
function largestSecrets(name: string, seed: number): Properties {
  const text = largestPullSecret(seed);
  return name === "2019-12-31-preview"
    ? { pullSecret: Buffer.from(text).toString("base64") }
    : {
        clusterProfile: { pullSecret: text },
        servicePrincipalProfile: { clientSecret: `${seed}`.padEnd(4_096, wide) },
      };
}

/** A cluster's document as JSON in UTF-8. */
async function documentBytes(rp: StartedRp, name: string): Promise<number> {
  const key = { partition: subscriptionId, id: `group|${name}` };
  const stored = await rp.store.read("cluster", key);
  if (stored === undefined) throw new TypeError(`there is no cluster ${name}`);
  return Buffer.byteLength(JSON.stringify(stored.document));
}

test.each(servedVersions)(
  "$name: the largest body, changed again and again, stays far below what a store can hold",
  async ({ name, full }) => {
    await using rp = await StartedRp.start({ workers: true });
    const path = `${clusterPath("large")}?api-version=${name}`;
    const put = async (seed: number): Promise<number> => {
      const body = { ...having(full, largestSecrets(name, seed)), tags: largestTags(seed) };
      return (await rp.send("PUT", path, { body })).status;
    };
    expect(await put(0)).toBe(201);
    for (let round = 1; round <= 3; round += 1) {
      const { body } = await rp.settled("large");
      expect(body.properties.provisioningState).toBe("Succeeded");
      const tags = largestTags(round + 10);
      expect((await rp.send("PATCH", path, { body: { tags } })).status).toBe(200);
      const more = { body: { tags: { ...tags, more: "" } } };
      expect((await rp.send("PATCH", path, more)).status).toBe(400);
      expect(await put(round)).toBe(200);
      // it holds the secrets asked for and those in use
      expect(await documentBytes(rp, "large")).toBeGreaterThan(bytesMax / 4);
      expect(await documentBytes(rp, "large")).toBeLessThan(bytesMax);
    }
  },
);

test("a client secret has a limit, which the message names, and the secret it doesn't", async () => {
  await using rp = await StartedRp.start({ workers: true });
  const path = `${clusterPath("secret")}?api-version=2020-04-30`;
  const put = async (length: number) => {
    const clientSecret = "s3cret".repeat(length).slice(0, length);
    const body = having(stable.full, { servicePrincipalProfile: { clientSecret } });
    return rp.send("PUT", path, { body });
  };
  for (const length of [4_097, 1_040_000]) {
    const answer = await put(length);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      code: "InvalidParameter",
      target: "properties.servicePrincipalProfile.clientSecret",
      message: expect.stringContaining("at most 4096 characters"),
    });
    expect(answer.text).not.toContain("s3cret");
  }
  expect((await put(4_096)).status).toBe(201);
});
