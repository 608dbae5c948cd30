/** The archive of files: what is packed comes back, and nothing else is taken for one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import {
  ArchiveDamagedError,
  packAssets,
  unpackAssets,
} from "../../../../src/installers/azure/assets/assetArchive.ts";

const files = fc.uniqueArray(
  fc.tuple(
    fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom("__proto__", "constructor", "auth/a.b")),
    fc.uint8Array({ maxLength: 100 }),
  ),
  { selector: ([path]) => path, maxLength: 20 },
);

it("gives back every file as it was, whatever its name and bytes", async () => {
  await fc.assert(
    fc.asyncProperty(files, async (packed) => {
      const unpacked = await unpackAssets(await packAssets(new Map(packed)));
      const plain = (entries: Iterable<readonly [string, Uint8Array]>) =>
        [...entries]
          .map(([path, bytes]) => [path, Buffer.from(bytes).toString("hex")] as const)
          .toSorted(([one], [other]) => (one < other ? -1 : 1));
      expect(plain(unpacked)).toEqual(plain(packed));
      expect(await packAssets(new Map(packed.toReversed()))).toEqual(
        await packAssets(new Map(packed)),
      );
    }),
    { numRuns: 50 },
  );
});

it.each([
  ["no archive", Buffer.from("hunter2 is not compressed")],
  ["no JSON", "hunter2"],
  ["an object", '{"a":"hunter2"}'],
  ["no base64", '[["a","hunter2!"]]'],
  ["no text", '[["a",{"hunter2":1}]]'],
])("refuses %s, and doesn't quote it", async (_, content) => {
  const packed = typeof content === "string" ? await promisify(gzip)(content) : content;
  const error: unknown = await unpackAssets(packed).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ArchiveDamagedError);
  expect(String(error)).not.toContain("hunter2");
});

it("stops unpacking what is made to be too large", async () => {
  const bomb = await promisify(gzip)(Buffer.alloc(49 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(1024 * 1024);
  await expect(unpackAssets(bomb)).rejects.toThrow(/are more than \d+ bytes$/);
});
