/** Key files: what is taken, what is refused, and that many processes which make one at once agree. */
import { existsSync, unlinkSync } from "node:fs";
import { chmod, link, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { beforeEach, afterEach, describe, expect, test } from "vitest";
import { systemIds, systemRandom } from "../../src/runtime/ids.ts";
import { embeddedKeySource } from "../../src/store/embeddedKey.ts";
import { KeyFileError, keyFileSource, makeKeyFile, readKeyFile } from "../../src/store/keyFile.ts";
import { TestClock } from "../runtime/testClock.ts";
import { clusterDocument, partition } from "./documents.ts";
import { MemoryStore } from "./memoryStore.ts";
import { sealedStore } from "./sealedStoreFixture.ts";
import { temporaryFolder, type TemporaryFolder } from "./sqliteFixture.ts";

const one = Buffer.alloc(32, 1).toString("base64");
const two = Buffer.alloc(32, 2).toString("base64");

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, "rp.key");
});
afterEach(async () => folder[Symbol.asyncDispose]());

async function write(text: string, mode = 0o600): Promise<void> {
  await writeFile(path, text);
  await chmod(path, mode);
}

/** Whether the name was there to be taken away. */
function takesAway(name: string): boolean {
  try {
    unlinkSync(name);
    return true;
  } catch (error) {
    expect(error).toHaveProperty("code", "ENOENT");
    return false;
  }
}

/** What is said of the file; it must be ours, and hold nothing of a key. */
async function faultOf(load: Promise<unknown>): Promise<string> {
  const error: unknown = await load.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KeyFileError);
  const { message } = error as Error;
  for (const secret of [one, two]) expect(message).not.toContain(secret.slice(0, 8));
  expect(message).toContain(path);
  return message;
}

test("one key a line, the first seals; blank lines and comments don't count", async () => {
  await write(`# newest first\n\nsecond  ${two}\r\n\tfirst\t${one}  \n`);
  const keys = await keyFileSource(path).load();
  expect(keys.map(({ id, key }) => [id, key.export().toString("base64")])).toEqual([
    ["second", two],
    ["first", one],
  ]);
});

describe("refused:", () => {
  test.each<[string, string, RegExp]>([
    ["nothing", "", /is empty/],
    ["blanks only", "\n \n# first\n", /is empty/],
    ["a name without a key", `first\n`, /line 1 is not/],
    ["a key without a name", `${one}\n`, /line 1 is not/],
    ["a key that is too short", `a ${one}\nfirst ${one.slice(4)}\n`, /line 2 is not/],
    ["a key that is too long", `first ${one}AAAA\n`, /line 1 is not/],
    ["a key with odd characters", `first ${one.replace("A", "-")}\n`, /line 1 is not/],
    ["a line with more on it", `first ${one} ${two}\n`, /line 1 is not/],
    [
      "two keys of one name",
      `a ${one}\n\na ${two}\n`,
      /lines 1 and 3 have the same name; rename the newer key$/,
    ],
    ["a name that is none", `"a" ${one}\n`, /line 1 is not/],
    ["a file cut in mid-line", `first ${one}\nsecond ${two.slice(0, 20)}`, /line 2 is not/],
    ["something else", "\0".repeat(8192), /line 1 is not/],
    ["far too much", "x".repeat(300_000), /more than 262144 bytes/],
  ])("%s", async (_what, text, fault) => {
    await write(text);
    expect(await faultOf(readKeyFile(path))).toMatch(fault);
  });

  test.each([0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o620])("rights %o", async (mode) => {
    await write(`first ${one}\n`, mode);
    expect(await faultOf(readKeyFile(path))).toMatch(/others than its owner.*chmod 600/);
  });

  test.each([0o400, 0o600, 0o440, 0o640, 0o460, 0o660, 0o444, 0o604, 0o450])(
    "rights %o of a file that was set: its group may read it, as where Kubernetes mounts a Secret, and no more",
    async (mode) => {
      await write(`first ${one}\n`, mode);
      const load = keyFileSource(path, { groupMayRead: true }).load();
      if ([0o400, 0o600, 0o440, 0o640].includes(mode)) expect(await load).toHaveLength(1);
      else expect(await faultOf(load)).toMatch(/others than its owner and its group's readers/);
    },
  );

  test("a folder", async () => {
    await mkdir(path, { mode: 0o700 });
    expect(await faultOf(readKeyFile(path))).toMatch(/it is no file/);
  });

  test("a file that was set and isn't there; it is not made", async () => {
    expect(await readKeyFile(path)).toBeUndefined();
    expect(await faultOf(keyFileSource(path).load())).toMatch(/isn't there/);
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe("the embedded engine's own", () => {
  const clock = new TestClock();
  const open = async (store: Pick<MemoryStore, "listNotSealedBy">) =>
    embeddedKeySource({ path, store, ids: systemIds, random: systemRandom, makes: true });

  test("is made for one user alone, once", async () => {
    const store = new MemoryStore({ clock });
    const { source, isNew } = await open(store);
    expect(isNew).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder.path)).toEqual(["rp.key"]);
    const text = await readFile(path, "utf8");
    expect(text).toMatch(/^key-[0-9a-f]{8} [A-Za-z0-9+/]{43}=\n$/);
    expect(await source.load()).toHaveLength(1);
    expect((await open(store)).isNew).toBe(false);
    expect(await readFile(path, "utf8")).toBe(text);
  });

  test("loses the second name that a process has left which was killed while it made it", async () => {
    const store = new MemoryStore({ clock });
    await open(store);
    await link(path, `${path}.key-0123abcd`);
    // none of these is that: another file, which somebody may just be making, and names of others
    await writeFile(`${path}.key-89abcdef`, "made just now");
    await link(path, `${path}.backup`);
    await link(path, `${path}.key-0123abcd.backup`);
    expect((await open(store)).isNew).toBe(false);
    expect((await readdir(folder.path)).toSorted()).toEqual([
      "rp.key",
      "rp.key.backup",
      "rp.key.key-0123abcd.backup",
      "rp.key.key-89abcdef",
    ]);
    expect(await keyFileSource(path).load()).toHaveLength(1);
  });

  test("is made also when others take the second name away before its maker does", async () => {
    const id = "key-0123abcd";
    let isTaken = false;
    // a busy machine may hold this thread back for so long that the maker is first: again, until it isn't
    while (!isTaken) {
      await rm(path, { force: true });
      let isMade = false;
      const making = makeKeyFile(path, { id, bytes: Buffer.alloc(32, 1) }).finally(() => {
        isMade = true;
      });
      // this thread looks on while another works at a call of the maker, who can't go on before a look ends
      while (!isMade && !existsSync(path)) {
        await Promise.race([making, setImmediate()]);
        const end = performance.now() + 5;
        while (!existsSync(path) && performance.now() < end);
      }
      isTaken = takesAway(`${path}.${id}`);
      await making;
    }
    expect(await readdir(folder.path)).toEqual(["rp.key"]);
    expect(await keyFileSource(path).load()).toHaveLength(1);
  });

  test("is the same for all who make it at once", async () => {
    const store = new MemoryStore({ clock });
    const opened = await Promise.all(Array.from({ length: 20 }, async () => open(store)));
    const keys = await Promise.all(opened.map(async ({ source }) => source.load()));
    expect(new Set(keys.map(([key]) => key?.key.export().toString("hex"))).size).toBe(1);
    expect(await readdir(folder.path)).toEqual(["rp.key"]);
  });

  test("is not made where that is not wanted", async () => {
    const store = new MemoryStore({ clock });
    const asked = { path, store, ids: systemIds, random: systemRandom, makes: false };
    expect(await faultOf(embeddedKeySource(asked))).toMatch(/there is no key file .* makes none/);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("is made beside documents in clear, as an earlier release left them", async () => {
    const store = new MemoryStore({ clock });
    await store.commit(partition, [{ create: clusterDocument("c") }]);
    expect((await open(store)).isNew).toBe(true);
  });

  test("is never made anew beside what another has sealed", async () => {
    const store = new MemoryStore({ clock });
    const { source } = await open(store);
    const sealed = await sealedStore(store, source);
    await store.commit(partition, [{ create: clusterDocument("a") }]);
    await sealed.commit(partition, [{ create: clusterDocument("b") }]);
    const [key] = await source.load();
    await rm(path);
    const message = await faultOf(open(store));
    expect(message).toContain(`"${key?.id}"`);
    expect(message).toMatch(/is gone.*put the file back/);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("that another process makes, and uses, between two looks is no file that is gone", async () => {
    const store = new MemoryStore({ clock });
    const slow = {
      listNotSealedBy: async (...given: Parameters<MemoryStore["listNotSealedBy"]>) => {
        const { source } = await open(store);
        const sealed = await sealedStore(store, source);
        await sealed.commit(partition, [{ create: clusterDocument("c") }]);
        return store.listNotSealedBy(...given);
      },
    };
    const { source, isNew } = await open(slow);
    expect(isNew).toBe(false);
    expect(await source.load()).toHaveLength(1);
  });

  test("says why it can't be made", async () => {
    const elsewhere = join(folder.path, "absent", "rp.key");
    const made = makeKeyFile(elsewhere, { id: "a", bytes: Buffer.alloc(32, 1) });
    await expect(made).rejects.toThrow(/rp\.key cannot be used: it can't be made \(ENOENT\)/);
  });
});
