/** Keys and sealed stores for tests, with nonces that are never the same twice. */
import { createSecretKey, randomBytes } from "node:crypto";
import { KeyRing, type KeySource } from "../../src/store/keyRing.ts";
import type { SealingKey } from "../../src/store/sealedSecrets.ts";
import { SealedStore } from "../../src/store/sealedStore.ts";
import type { Store } from "../../src/store/store.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/ids.ts";

export function newKey(id: string): SealingKey {
  return { id, key: createSecretKey(randomBytes(32)) };
}

/** Keys that a test may change while they are in use, the newest first. */
export class TestKeys implements KeySource {
  keys: readonly SealingKey[];
  /** How often they were read. */
  loads = 0;
  failure: Error | undefined;

  constructor(...keys: readonly SealingKey[]) {
    this.keys = keys;
  }

  async load(): Promise<readonly SealingKey[]> {
    this.loads += 1;
    if (this.failure !== undefined) throw this.failure;
    return this.keys;
  }
}

/** In front of a store, as a process has it. */
export async function sealedStore(
  store: Store,
  source: KeySource = new TestKeys(newKey("first")),
  clock: Pick<Clock, "monotonic"> = systemClock,
): Promise<SealedStore> {
  const keys = await KeyRing.open({ source, clock });
  return new SealedStore({ store, keys, random: systemRandom });
}
