/** Queues on a peer of their own, for tests: two processes' worth of real SDK clients, on a clock that the test turns. */
import { attemptLimitMs } from "../../src/queue/storageQueueCalls.ts";
import { openStorageQueue, queueName } from "../../src/queue/storageQueueConnection.ts";
import { AccountKey } from "../../src/accountSettings.ts";
import type { StorageQueueSettings } from "../../src/queue/storageQueueSettings.ts";
import { StorageQueue, type StorageQueueOptions } from "../../src/queue/storageQueue.ts";
import { HastyClock } from "../runtime/hastyClock.ts";
import { StorageQueuePeer } from "./storageQueuePeer.ts";

/** Of the form of a key: the account's, as base64. */
export const peerKey = `${"k".repeat(86)}==`;
export const peerAccount = "devstoreaccount1";

const random = { fraction: () => 0.5, integer: () => 0, bytes: () => new Uint8Array() };

/** How to sign in at this endpoint. */
export function settingsOf(endpoint: string): StorageQueueSettings {
  return { endpoint, sharedKey: { account: peerAccount, key: new AccountKey(peerKey) } };
}

export interface StorageQueueFixture extends AsyncDisposable {
  readonly peer: StorageQueuePeer;
  readonly clock: HastyClock;
  readonly queue: StorageQueue;
  /** A second one with a client of its own, as another process has it. */
  readonly other: StorageQueue;
}

/** A peer that nobody has opened yet. */
export async function startPeer(clock = new HastyClock(attemptLimitMs / 2)) {
  return StorageQueuePeer.start({ clock, account: peerAccount, key: peerKey, name: queueName });
}

export async function openPeer(
  options: Pick<StorageQueueOptions, "onRetry"> = {},
): Promise<StorageQueueFixture> {
  const clock = new HastyClock(attemptLimitMs / 2);
  const peer = await startPeer(clock);
  const open = async (): Promise<StorageQueue> => {
    const signal = AbortSignal.timeout(30_000);
    const connection = await openStorageQueue(settingsOf(peer.url), { signal });
    return new StorageQueue({ ...options, connection, clock, random });
  };
  const queue = await open();
  const other = await open();
  peer.requests.length = 0;
  return {
    peer,
    clock,
    queue,
    other,
    [Symbol.asyncDispose]: async () => peer[Symbol.asyncDispose](),
  };
}
