/** Bytes sealed outside of the store: they come back for their binding alone, and nothing changed ever opens. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/ids.ts";
import { KeyRing } from "../../src/store/keyRing.ts";
import { SealedBytes } from "../../src/store/sealedBytes.ts";
import { EnvelopeDamagedError, type SealingKey } from "../../src/store/sealedSecrets.ts";
import { SealingKeyUnknownError } from "../../src/store/store.ts";
import { newKey, TestKeys } from "./sealedStoreFixture.ts";

async function sealingBy(...keys: readonly SealingKey[]): Promise<SealedBytes> {
  const ring = await KeyRing.open({ source: new TestKeys(...keys), clock: systemClock });
  return new SealedBytes({ keys: ring, random: systemRandom });
}

const someBytes = fc.uint8Array({ maxLength: 200 });

describe("sealed bytes", () => {
  it("come back for the binding that they were sealed for, and no other", async () => {
    const sealing = await sealingBy(newKey("only"));
    await fc.assert(
      fc.asyncProperty(someBytes, fc.string(), fc.string(), async (plain, binding, other) => {
        const sealed = await sealing.seal(plain, binding);
        expect(Buffer.from(await sealing.open(sealed, binding))).toEqual(Buffer.from(plain));
        if (other === binding) return;
        await expect(sealing.open(sealed, other)).rejects.toThrow(EnvelopeDamagedError);
      }),
      { numRuns: 50 },
    );
  });

  it("never give anything else than what was sealed, whatever byte is changed", async () => {
    const sealing = await sealingBy(newKey("only"));
    await fc.assert(
      fc.asyncProperty(
        someBytes,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (plain, place, change) => {
          const sealed = Buffer.from(await sealing.seal(plain, "mine"));
          const at = place % sealed.length;
          sealed[at] = (sealed[at] ?? 0) ^ change;
          // spare bits of base64, and its two alphabets, say the same
          const opened = await sealing.open(sealed, "mine").catch((error: unknown) => error);
          if (opened instanceof Uint8Array) {
            expect(Buffer.from(opened)).toEqual(Buffer.from(plain));
          } else if (!(opened instanceof SealingKeyUnknownError)) {
            expect(opened).toBeInstanceOf(EnvelopeDamagedError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("don't open when they are cut anywhere", async () => {
    const sealing = await sealingBy(newKey("only"));
    const sealed = await sealing.seal(Buffer.from("something"), "mine");
    for (let length = 0; length < sealed.length; length++) {
      await expect(sealing.open(sealed.subarray(0, length), "mine")).rejects.toThrow(
        EnvelopeDamagedError,
      );
    }
  });

  it("open by an older key that is still there", async () => {
    const [older, newer] = [newKey("older"), newKey("newer")];
    const sealed = await (await sealingBy(older)).seal(Buffer.from("kept"), "mine");
    const opened = await (await sealingBy(newer, older)).open(sealed, "mine");
    expect(Buffer.from(opened).toString()).toBe("kept");
  });

  it("name the key that is missing, and nothing else", async () => {
    const sealed = await (await sealingBy(newKey("lost"))).seal(Buffer.from("kept"), "mine");
    const opening = (await sealingBy(newKey("other"))).open(sealed, "mine");
    await expect(opening).rejects.toThrow(
      new SealingKeyUnknownError(
        `what is kept outside is sealed by the key "lost", which this process doesn't have`,
        "lost",
      ),
    );
  });

  it("are refused without being quoted when they are something else", async () => {
    const sealing = await sealingBy(newKey("only"));
    for (const other of ["hunter2", '{"password":"hunter2"}', "null", '"hunter2"', "[1]"]) {
      const error: unknown = await sealing
        .open(Buffer.from(other), "mine")
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(EnvelopeDamagedError);
      expect(String(error)).not.toContain("hunter2");
    }
    const long = { sealed: 1, keyId: "k".repeat(100_000), nonce: "", ciphertext: "" };
    const refused = sealing.open(Buffer.from(JSON.stringify(long)), "mine");
    await expect(refused).rejects.toThrow(/names no key$/);
  });
});
