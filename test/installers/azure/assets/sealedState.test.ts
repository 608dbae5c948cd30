/** How much is kept of a cluster: what can be its own fits, and what somebody else has put there isn't read into memory. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { SealedState } from "../../../../src/installers/azure/assets/sealedState.ts";
import type { Clock } from "../../../../src/runtime/clock.ts";
import { TestClock } from "../../../runtime/testClock.ts";
import { BlobAnswerer } from "../blobAnswerer.ts";
import { names, stepContext } from "../stepContext.ts";

const bytesMax = 16 * 1024 * 1024;
const path = `/${names.storageAccount}/aro/graph`;
let blobs: BlobAnswerer;

beforeAll(async () => {
  blobs = await BlobAnswerer.start();
});

afterAll(async () => blobs[Symbol.asyncDispose]());

beforeEach(() => blobs.blobs.clear());

/** Nothing is sealed here: sizes are what is looked at. */
const state = async (clock?: Clock): Promise<SealedState> =>
  SealedState.of(stepContext({ installation: { azure: { names } } }), {
    azure: blobs.connection({}, {}, clock),
    sealing: { seal: async (plain) => plain, open: async (sealed) => sealed },
  });

test("what is as large as may be is kept and read", async () => {
  const plain = Buffer.alloc(bytesMax, "a");
  await (await state()).keep(plain, () => undefined);
  expect(Buffer.compare((await (await state()).read()) ?? Buffer.of(), plain)).toBe(0);
});

test("one byte more is neither written nor read", async () => {
  const plain = Buffer.alloc(bytesMax + 1, "a");
  const tooLarge = new RegExp(`${bytesMax + 1} bytes, more than the ${bytesMax}`);
  await expect((await state()).keep(plain, () => undefined)).rejects.toThrow(tooLarge);
  expect(blobs.blobs.size).toBe(0);
  blobs.blobs.set(path, plain);
  await expect((await state()).read()).rejects.toThrow(tooLarge);
});

test("what isn't read is let go of: else the process would end with the time of the request", async () => {
  blobs.blobs.set(path, Buffer.alloc(bytesMax + 1, "a"));
  const clock = new TestClock();
  await expect((await state(clock)).read()).rejects.toThrow(/more than/);
  await vi.waitFor(() => expect(clock.sleeping).toBe(0), 30_000);
});
