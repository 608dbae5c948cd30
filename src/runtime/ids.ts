/** Ids and chance, as effects handed to everyone. The only place that draws them from the system. */
import { randomBytes, randomInt, randomUUID } from "node:crypto";

export interface Ids {
  /** A fresh GUID in lower case. */
  guid(): string;
}

export interface Random {
  /** A number in [0, 1): for jitter only. */
  fraction(): number;
  /** A whole number in [0, limit), fit for secrets. */
  integer(limit: number): number;
  /** Bytes fit for secrets. */
  bytes(count: number): Uint8Array;
}

/** Ids of the system's cryptographic generator. */
export const systemIds: Ids = { guid: () => randomUUID() };

/** Chance of the system's cryptographic generator. */
export const systemRandom: Random = {
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
  integer: (limit) => randomInt(limit),
  bytes: (count) => randomBytes(count),
};
