/** The layer that seals secrets keeps the port's promises in front of a store, and no store behind it ever sees one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isTooNew,
  providerPartition,
  schemaVersion,
  type ClusterDocument,
} from "../../src/model/document.ts";
import { systemRandom } from "../../src/runtime/ids.ts";
import { KeyRing, refreshMs } from "../../src/store/keyRing.ts";
import { SealedStore } from "../../src/store/sealedStore.ts";
import {
  commitBytesMax,
  DocumentUnreadableError,
  SealingKeyUnknownError,
  StoreConflictError,
  type Store,
  type Write,
} from "../../src/store/store.ts";
import { TestClock } from "../runtime/testClock.ts";
import { canonical, clusterDocument, operationDocument, partition } from "./documents.ts";
import { MemoryStore } from "./memoryStore.ts";
import { newKey, sealedStore, TestKeys } from "./sealedStoreFixture.ts";
import { keyDocument, notSealedBy } from "./secretsCases.ts";
import { openMemory } from "./sqliteFixture.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { storeSuite } from "./storeSuite.ts";

storeSuite(
  "sealed store in front of plain memory",
  async () => {
    const clock = new TestClock();
    const keys = new TestKeys(newKey("first"));
    const behind = new MemoryStore({ clock });
    return {
      store: await sealedStore(behind, keys, clock),
      other: await sealedStore(behind, keys, clock),
      now: () => clock.now(),
      advance: async (durationMs) => clock.advance(durationMs),
      setBack: (durationMs) => clock.setBack(durationMs),
      [Symbol.asyncDispose]: async () => {},
    };
  },
  notSealedSkips(),
);

storeSuite(
  "sealed store in front of SQLite",
  async () => {
    const { database, clock, ...fixture } = await openMemory();
    const keys = new TestKeys(newKey("first"));
    const behind = new SqliteStore({ database, clock });
    return {
      store: await sealedStore(behind, keys, clock),
      other: await sealedStore(behind, keys, clock),
      now: () => clock.now(),
      advance: async (durationMs) => clock.advance(durationMs),
      setBack: (durationMs) => clock.setBack(durationMs),
      [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
    };
  },
  notSealedSkips(),
);

function notSealedSkips(): Readonly<Record<string, string>> {
  return {
    "what no key or another key has sealed is listed, over all partitions":
      "everything that is written through it is sealed",
  };
}

const id = "rg|c";
const key = { partition, id };
const secrets = { pullSecret: "planted-pull-secret", kubeadminPassword: "planted-password" };
const cluster = clusterDocument("c", { secrets });

/** A store in memory that notes all it is given, and a sealed one in front. */
async function opened(keys = new TestKeys(newKey("first"))) {
  const clock = new TestClock();
  const given: string[] = [];
  const memory = new MemoryStore({ clock });
  const behind = new Proxy(memory, {
    get: (target, name: keyof Store) => {
      const method = target[name] as (...all: unknown[]) => unknown;
      return (...all: unknown[]) => {
        given.push(JSON.stringify(all));
        return method.apply(target, all);
      };
    },
  });
  const store = await sealedStore(behind, keys, clock);
  const stored = async (): Promise<ClusterDocument & { readonly secrets: Envelope }> => {
    const read = await memory.read("cluster", key);
    if (read === undefined) throw new Error("there is none");
    return read.document as ClusterDocument & { readonly secrets: Envelope };
  };
  /** Writes past the seal, as somebody else would. */
  const overwrite = async (members: object): Promise<void> => {
    const read = await memory.read("cluster", key);
    if (read === undefined) throw new Error("there is none");
    const document = { ...read.document, ...members };
    await memory.commit(partition, [{ replace: read, document }]);
  };
  return { clock, keys, memory, store, stored, overwrite, given };
}

interface Envelope {
  readonly sealed: number;
  readonly keyId: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

/** Any secrets: also with members of later releases, and names that are traps. */
const anySecrets = fc
  .dictionary(
    fc.oneof(fc.constantFrom("pullSecret", "later", "__proto__", "toJSON", "keyId"), fc.string()),
    fc.jsonValue({ maxDepth: 2 }),
  )
  .filter((each) => !Object.hasOwn(each, "sealed"));

test("whatever the secrets are, they come back whole, and nothing in the store shows them", async () => {
  const { store, memory } = await opened();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(anySecrets, async (any) => {
      count += 1;
      const document = clusterDocument(`c${count}`, { secrets: any as never });
      const [created] = await store.commit(partition, [{ create: document }]);
      expect(canonical(created.document)).toBe(canonical(document));
      const at = { partition, id: document.id };
      expect(canonical((await store.read("cluster", at))?.document)).toBe(canonical(document));
      const behind = await memory.read("cluster", at);
      expect(Object.keys(behind?.document.secrets ?? {}).toSorted()).toEqual([
        "ciphertext",
        "keyId",
        "nonce",
        "sealed",
      ]);
    }),
    { numRuns: 50 },
  );
});

test("the store behind is given no secret, neither in what is written nor in conditions", async () => {
  const { store, given } = await opened();
  const [created] = await store.commit(partition, [{ create: cluster }]);
  const [replaced] = await store.commit(partition, [
    { replace: created, document: { ...created.document, revision: "2" } },
  ]);
  await store.commit(partition, [{ delete: replaced }]);
  await store.commit(providerPartition, [
    { create: { ...keyDocument, secrets: { key: "planted-key" } } },
  ]);
  const all = given.join("\n");
  expect(all).toContain("ciphertext");
  expect(all).not.toContain("planted");
  expect(all).not.toContain(Buffer.from("planted").toString("base64").slice(0, 9));
});

test("each sealing has a nonce of its own", async () => {
  const { store, stored } = await opened();
  let [last] = await store.commit(partition, [{ create: cluster }]);
  const nonces = new Set<string>();
  for (let write = 0; write < 20; write += 1) {
    const secrets = { ...last.document.secrets, pullSecret: `planted-${write}` };
    const document = { ...last.document, secrets };
    [last] = await store.commit(partition, [{ replace: last, document }]);
    nonces.add((await stored()).secrets.nonce);
  }
  expect(nonces.size).toBe(20);
});

describe("secrets that stay", () => {
  const changed = (document: ClusterDocument, members: Partial<ClusterDocument> = {}) => ({
    ...document,
    revision: "changed",
    ...members,
  });

  test.each(["read", "written"])("keep the envelope that they were %s in", async (how) => {
    const { store, stored } = await opened();
    const [created] = await store.commit(partition, [{ create: cluster }]);
    const { secrets: envelope } = await stored();
    const before = how === "read" ? await store.read("cluster", key) : created;
    if (before === undefined) throw new Error("there is none");
    // a copy, as a handler makes it of a body
    const secrets = { ...before.document.secrets };
    const document = changed(before.document, { secrets });
    const [replaced] = await store.commit(partition, [{ replace: before, document }]);
    expect(replaced.document).toEqual(changed(cluster));
    const again = { ...replaced.document, revision: "again" };
    await store.commit(partition, [{ replace: replaced, document: again }]);
    expect((await stored()).secrets).toEqual(envelope);
    expect((await store.read("cluster", key))?.document).toEqual(changed(cluster, again));
  });

  test("are sealed anew when there is a newer key", async () => {
    const source = new TestKeys(newKey("first"));
    const { memory, stored } = await opened();
    const store = await sealedStore(memory, source);
    const [created] = await store.commit(partition, [{ create: cluster }]);
    source.keys = [newKey("second"), ...source.keys];
    const later = await sealedStore(memory, source);
    const before = (await later.read("cluster", key)) ?? created;
    await later.commit(partition, [{ replace: before, document: changed(before.document) }]);
    expect((await stored()).secrets.keyId).toBe("second");
    expect((await later.read("cluster", key))?.document).toEqual(changed(cluster));
  });

  test("are sealed anew for another incarnation", async () => {
    const { store, stored } = await opened();
    const [created] = await store.commit(partition, [{ create: cluster }]);
    const { secrets: envelope } = await stored();
    const document = changed(created.document, { incarnationId: "another" });
    await store.commit(partition, [{ replace: created, document }]);
    expect((await stored()).secrets.nonce).not.toBe(envelope.nonce);
    expect((await store.read("cluster", key))?.document).toEqual(document);
  });

  test("are sealed anew when what is to be replaced isn't as it was read", async () => {
    const { store } = await opened();
    const [created] = await store.commit(partition, [{ create: cluster }]);
    const document = changed(created.document, { incarnationId: "another" });
    await store.commit(partition, [{ replace: { ...created, document }, document }]);
    expect((await store.read("cluster", key))?.document).toEqual(document);
  });

  test.each([
    ["one more", { sshPrivateKey: "planted-more" }],
    ["another", { pullSecret: "planted-other" }],
    ["one less", { pullSecret: undefined }],
  ])("don't, beside %s", async (_what, members) => {
    const { store } = await opened();
    const [created] = await store.commit(partition, [{ create: cluster }]);
    const secrets = { ...created.document.secrets, ...members } as ClusterDocument["secrets"];
    const document = changed(created.document, { secrets });
    await store.commit(partition, [{ replace: created, document }]);
    const read = await store.read("cluster", key);
    expect(read?.document.secrets).toEqual(JSON.parse(JSON.stringify(secrets)));
  });

  test("can't be changed in place, which nobody would notice", async () => {
    const { store } = await opened();
    // a later release's
    const secrets = { ...cluster.secrets, later: { token: "planted-nested" } };
    const [created] = await store.commit(partition, [{ create: { ...cluster, secrets } }]);
    const read = await store.read("cluster", key);
    for (const each of [created, read]) {
      const kept: Readonly<Record<string, unknown>> = { ...each?.document.secrets };
      expect(Object.isFrozen(each?.document.secrets)).toBe(true);
      expect(kept["later"]).toEqual(secrets.later);
      expect(Object.isFrozen(kept["later"])).toBe(true);
    }
  });
});

test("what is sealed is marked for releases that don't know of it, and nobody in front sees the mark", async () => {
  const { store, stored, memory } = await opened();
  const [created] = await store.commit(partition, [
    { create: cluster },
    { create: operationDocument("o") },
  ]);
  const behind = await stored();
  expect(behind.minimumSchemaVersion).toBe(2);
  expect(isTooNew(behind)).toBe(false);
  expect(created.document).not.toHaveProperty("minimumSchemaVersion");
  expect((await store.read("cluster", key))?.document).toEqual(cluster);
  const record = await memory.read("operation", { partition, id: "o" });
  expect(record?.document).not.toHaveProperty("minimumSchemaVersion");
});

test("secrets in clear, as earlier releases left them, are read, and sealed at the next write", async () => {
  const { store, stored, memory } = await opened();
  await memory.commit(partition, [{ create: cluster }]);
  const read = await store.read("cluster", key);
  expect(read?.document).toEqual(cluster);
  if (read === undefined) throw new Error("there is none");
  const [replaced] = await store.commit(partition, [{ replace: read, document: read.document }]);
  expect(replaced.document).toEqual(cluster);
  expect(JSON.stringify(await stored())).not.toContain("planted");
  // the ETag of before is no good any more
  const again = store.commit(partition, [{ replace: read, document: cluster }]);
  await expect(again).rejects.toThrow(StoreConflictError);
});

describe("an envelope opens nowhere else", () => {
  test.each<[string, Partial<ClusterDocument>]>([
    ["in another cluster", { id: "rg|d", name: "d" }],
    ["in one that was made again", { incarnationId: "another" }],
  ])("%s", async (_where, members) => {
    const { store, stored, memory } = await opened();
    const [created] = await store.commit(partition, [{ create: cluster }]);
    const moved = { ...(await stored()), ...members };
    await store.commit(partition, [{ delete: created }]);
    await memory.commit(partition, [{ create: moved }]);
    const read = store.read("cluster", { partition, id: moved.id });
    await expect(read).rejects.toThrow(DocumentUnreadableError);
  });

  test("in another partition", async () => {
    const { store, stored, memory } = await opened();
    await store.commit(partition, [{ create: cluster }]);
    const elsewhere = { ...(await stored()), subscriptionId: "elsewhere" };
    await memory.commit("elsewhere", [{ create: elsewhere }]);
    const read = store.read("cluster", { partition: "elsewhere", id });
    await expect(read).rejects.toThrow(DocumentUnreadableError);
  });
});

describe("a damaged envelope is told without its content, and stops nobody else", () => {
  const flip = (text: string): string => {
    const bytes = Buffer.from(text, "base64");
    bytes.writeUInt8(bytes.readUInt8(3) ^ 1, 3);
    return bytes.toString("base64");
  };
  test.each<[string, (envelope: Envelope) => object]>([
    ["a bit of its text", (e) => ({ ...e, ciphertext: flip(e.ciphertext) })],
    ["a bit of its nonce", (e) => ({ ...e, nonce: flip(e.nonce) })],
    ["its end", (e) => ({ ...e, ciphertext: e.ciphertext.slice(0, -4) })],
    ["all of its text", (e) => ({ ...e, ciphertext: "" })],
    ["its nonce", (e) => ({ ...e, nonce: "" })],
    ["a member", (e) => ({ ...e, nonce: undefined })],
    ["its form", (e) => ({ ...e, sealed: 2 })],
    ["a member's type", (e) => ({ ...e, keyId: 7 })],
  ])("%s", async (_what, damage) => {
    const { store, stored, overwrite } = await opened();
    await store.commit(partition, [{ create: cluster }, { create: clusterDocument("other") }]);
    const { secrets: envelope } = await stored();
    await overwrite({ secrets: damage(envelope) });
    const error: unknown = await store.read("cluster", key).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DocumentUnreadableError);
    const { message, cause } = error as Error;
    expect(message).toMatch(/^the sealed secrets of the cluster .*rg\|c.* are damaged/);
    expect(message).not.toContain(envelope.ciphertext.slice(0, 8));
    expect(cause).toBeUndefined();
    expect(await store.read("cluster", { partition, id: "rg|other" })).toBeDefined();
    expect((await store.listClusters({ partition }, { limit: 5 })).items).toHaveLength(2);
    expect((await store.listUnqueued({ limit: 5 })).items).toHaveLength(2);
  });

  test("of a document that is too new it is none of our business", async () => {
    const { store, stored, overwrite } = await opened();
    await store.commit(partition, [{ create: cluster }]);
    const { secrets: envelope } = await stored();
    const sealed = { ...envelope, sealed: 2 };
    await overwrite({ secrets: sealed, minimumSchemaVersion: schemaVersion + 1 });
    const read = await store.read("cluster", key);
    expect(read?.document).toMatchObject({ minimumSchemaVersion: schemaVersion + 1 });
    if (read === undefined) throw new Error("there is none");
    // and it can't be written with what was never opened
    const write = store.commit(partition, [{ replace: read, document: read.document }]);
    await expect(write).rejects.toThrow(TypeError);
  });
});

describe("an envelope that somebody has taken away", () => {
  test.each<[string, object | undefined]>([
    ["for secrets in clear", { pullSecret: "forged" }],
    ["for none", {}],
    ["for no object", "forged" as never],
    ["for nothing at all", undefined],
  ])("%s is a damaged document", async (_what, secrets) => {
    const { store, overwrite } = await opened();
    await store.commit(partition, [{ create: cluster }, { create: clusterDocument("other") }]);
    await overwrite({ secrets });
    const error: unknown = await store.read("cluster", key).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DocumentUnreadableError);
    expect((error as Error).message).toMatch(/^the sealed secrets of the cluster .*are gone/);
    expect((error as Error).message).not.toContain("forged");
    expect(await store.read("cluster", { partition, id: "rg|other" })).toBeDefined();
  });
});

describe("a document whose secrets need not be opened", () => {
  const unopened = { openSecrets: false } as const;
  const lost = async () => {
    const all = await opened(new TestKeys(newKey("first")));
    await all.store.commit(partition, [{ create: cluster }]);
    const stranger = await sealedStore(all.memory, new TestKeys(newKey("other")), all.clock);
    return { ...all, stranger };
  };

  test("is read, changed and deleted without its key, and keeps its envelope", async () => {
    const { store, stranger, stored } = await lost();
    const before = (await stored()).secrets;
    await expect(stranger.read("cluster", key)).rejects.toThrow(SealingKeyUnknownError);
    const read = await stranger.read("cluster", key, unopened);
    expect(read?.document).toMatchObject({ name: "c", secrets: { keyId: "first" } });
    if (read === undefined) throw new Error("there is none");
    const [first] = await stranger.commit(partition, [
      // as a worker does that has no secret to add
      {
        replace: read,
        document: { ...read.document, revision: "2", secrets: { ...read.document.secrets } },
      },
    ]);
    const [second] = await stranger.commit(partition, [
      { replace: first, document: { ...first.document, revision: "3" } },
    ]);
    expect(await stored()).toMatchObject({ revision: "3", minimumSchemaVersion: 2 });
    expect((await stored()).secrets).toEqual(before);
    expect((await store.read("cluster", key))?.document).toEqual({ ...cluster, revision: "3" });
    await stranger.commit(partition, [{ delete: second }]);
    expect(await stranger.read("cluster", key, unopened)).toBeUndefined();
  });

  test.each<[string, (envelope: Envelope) => object]>([
    ["another envelope", (envelope) => ({ ...envelope, keyId: "forged" })],
    ["secrets in clear", () => ({ pullSecret: "forged" })],
    ["one secret more", (envelope) => ({ ...envelope, pullSecret: "forged" })],
    ["none", () => ({})],
  ])("takes %s for a defect of the caller", async (_what, forge) => {
    const { stranger, stored } = await lost();
    const before = await stored();
    const read = await stranger.read("cluster", key, unopened);
    if (read === undefined) throw new Error("there is none");
    const document = { ...read.document, secrets: forge(before.secrets) as never };
    const write = stranger.commit(partition, [{ replace: read, document }]);
    await expect(write).rejects.toThrow(TypeError);
    expect(await stored()).toEqual(before);
  });

  test("no create takes an envelope", async () => {
    const { stranger, stored } = await lost();
    const moved = { ...(await stored()), id: "rg|d", name: "d" };
    await expect(stranger.commit(partition, [{ create: moved }])).rejects.toThrow(TypeError);
  });

  test("whose envelope is damaged or gone goes the same way, and never becomes a good one", async () => {
    for (const secrets of [{ sealed: 1, keyId: "first" }, { pullSecret: "forged" }, undefined]) {
      const { store, stored, overwrite } = await lost();
      await overwrite({ secrets });
      const read = await store.read("cluster", key, unopened);
      if (read === undefined) throw new Error("there is none");
      await store.commit(partition, [
        { replace: read, document: { ...read.document, revision: "2" } },
      ]);
      expect(await stored()).toMatchObject({ revision: "2", minimumSchemaVersion: 2 });
      expect((await stored()).secrets).toEqual(secrets);
      await expect(store.read("cluster", key)).rejects.toThrow(DocumentUnreadableError);
    }
  });

  test("in clear, as earlier releases left it, is sealed by the write", async () => {
    const { store, stored, memory } = await opened();
    await memory.commit(partition, [{ create: cluster }]);
    const read = await store.read("cluster", key, unopened);
    expect(read?.document).toEqual(cluster);
    if (read === undefined) throw new Error("there is none");
    await store.commit(partition, [{ replace: read, document: read.document }]);
    expect((await stored()).secrets.keyId).toBe("first");
    expect((await store.read("cluster", key))?.document).toEqual(cluster);
  });
});

describe("keys", () => {
  const [first, second, third] = [newKey("first"), newKey("second"), newKey("third")];

  test("the newest seals, all of them open", async () => {
    const { store, stored, memory, clock } = await opened(new TestKeys(first));
    await store.commit(partition, [{ create: cluster }]);
    expect((await stored()).secrets.keyId).toBe("first");
    const later = await sealedStore(memory, new TestKeys(second, first), clock);
    const read = await later.read("cluster", key);
    expect(read?.document).toEqual(cluster);
    if (read === undefined) throw new Error("there is none");
    await later.commit(partition, [{ replace: read, document: read.document }]);
    expect((await stored()).secrets.keyId).toBe("second");
    expect(await notSealedBy(memory, "second", 1)).toEqual([]);
    expect(await notSealedBy(memory, "first", 1)).toEqual([
      { kind: "cluster", key, keyId: "second" },
    ]);
  });

  test("a process learns of a new one when it meets what another has sealed by it", async () => {
    const { store, memory, keys, clock } = await opened(new TestKeys(first));
    await clock.advance(60_000);
    keys.keys = [second, first];
    const ahead = await sealedStore(memory, keys, clock);
    await ahead.commit(partition, [{ create: cluster }]);
    const loads = keys.loads;
    const reads = await Promise.all([1, 2, 3].map(async () => store.read("cluster", key)));
    for (const read of reads) expect(read?.document).toEqual(cluster);
    expect(keys.loads).toBe(loads + 1);
  });

  test("one that is lost is named, and many documents of it don't read the keys again and again", async () => {
    const { store, memory, keys, clock } = await opened(new TestKeys(first));
    const stranger = await sealedStore(memory, new TestKeys(third), clock);
    await stranger.commit(partition, [{ create: cluster }, { create: clusterDocument("d") }]);
    await store.commit(partition, [{ create: clusterDocument("ours") }]);
    await clock.advance(60_000);
    const loads = keys.loads;
    for (let time = 0; time < 50; time += 1) {
      const error: unknown = await store.read("cluster", key).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SealingKeyUnknownError);
      expect(error).toMatchObject({ keyId: "third", message: expect.stringContaining('"third"') });
      await clock.advance(100);
    }
    expect(keys.loads - loads).toBe(1);
    expect(await store.read("cluster", { partition, id: "rg|ours" })).toBeDefined();
    expect((await store.listClusters({ partition }, { limit: 5 })).items).toHaveLength(3);
    // and once it is back, all is well
    keys.keys = [first, third];
    await clock.advance(5_000);
    expect((await store.read("cluster", key))?.document).toEqual(cluster);
  });

  test("a new one is used without a restart, some minutes after it was made", async () => {
    const { store, stored, keys, clock } = await opened(new TestKeys(first));
    let [last] = await store.commit(partition, [{ create: cluster }]);
    keys.keys = [second, first];
    await clock.advance(refreshMs - 1);
    [last] = await store.commit(partition, [{ replace: last, document: last.document }]);
    expect((await stored()).secrets.keyId).toBe("first");
    await clock.advance(1);
    await store.commit(partition, [{ replace: last, document: last.document }]);
    expect((await stored()).secrets.keyId).toBe("second");
  });

  test("when they can't be read again, those that were known stay in use", async () => {
    const clock = new TestClock();
    const failures: unknown[] = [];
    const source = new TestKeys(first);
    const keys = await KeyRing.open({
      source,
      clock,
      onReloadFailed: (error) => void failures.push(error),
    });
    const store = new SealedStore({
      store: new MemoryStore({ clock }),
      keys,
      random: systemRandom,
    });
    source.failure = new Error("the vault is down");
    await clock.advance(refreshMs);
    await store.commit(partition, [{ create: cluster }]);
    expect((await store.read("cluster", key))?.document).toEqual(cluster);
    expect(failures).toEqual([source.failure]);
  });

  test("who gives up waits for no reading of them", async () => {
    const { clock, memory } = await opened();
    const source = new TestKeys(first);
    const store = await sealedStore(memory, source, clock);
    await clock.advance(refreshMs);
    source.load = async () => new Promise(() => {});
    const giveUp = new AbortController();
    const options = { signal: giveUp.signal };
    const write = store.commit(partition, [{ create: cluster }], options);
    const reason = new Error("too long");
    giveUp.abort(reason);
    await expect(write).rejects.toBe(reason);
  });

  test("without one nothing opens", async () => {
    const empty = KeyRing.open({ source: new TestKeys(), clock: new TestClock() });
    await expect(empty).rejects.toThrow(TypeError);
  });
});

describe("the limit of a commit counts what is stored", () => {
  /** A cluster of so many bytes in clear, nearly all of them secret. */
  const withSecret = (length: number): Write => ({
    create: clusterDocument("large", { secrets: { pullSecret: "x".repeat(length) } }),
  });

  test("sealed, secrets take a third more", async () => {
    const { store, memory } = await opened();
    const fitting = Math.floor(((commitBytesMax - 2_048) * 3) / 4);
    await expect(store.commit(partition, [withSecret(fitting + 4_096)])).rejects.toThrow(
      RangeError,
    );
    expect(memory.documents).toEqual([]);
    await store.commit(partition, [withSecret(fitting)]);
    const read = await store.read("cluster", { partition, id: "rg|large" });
    expect(read?.document.secrets.pullSecret).toHaveLength(fitting);
  });
});

test("keys are shown neither by JSON nor by an inspection", async () => {
  const { inspect } = await import("node:util");
  const { createSecretKey } = await import("node:crypto");
  const bytes = Buffer.from("0123456789abcdef0123456789abcdef");
  const source = new TestKeys({ id: "k", key: createSecretKey(bytes) });
  const keys = await KeyRing.open({ source, clock: new TestClock() });
  const current = await keys.current();
  for (const text of [JSON.stringify(current), inspect(current, { depth: 9 }), inspect(keys)]) {
    expect(text).not.toContain("0123456789abcdef");
    expect(text).not.toContain(bytes.toString("base64").slice(0, 12));
    expect(text).not.toContain(bytes.toString("hex").slice(0, 12));
  }
});
