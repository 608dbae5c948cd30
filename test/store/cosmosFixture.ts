/** Stores on a Cosmos peer of their own, for tests: two processes' worth of real SDK clients, on a clock that the test turns. */
import { openCosmos, type CosmosConnection } from "../../src/store/cosmosConnection.ts";
import { AccountKey } from "../../src/accountSettings.ts";
import { CosmosStore, type CosmosStoreOptions } from "../../src/store/cosmosStore.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { HastyClock } from "../runtime/hastyClock.ts";
import { attemptLimitMs } from "../../src/store/cosmosCalls.ts";
import { CosmosPeer, type CosmosPeerOptions } from "./cosmosPeer.ts";

/** Of the form of a key; the peer asks for none. */
export const anyKey = new AccountKey(`${"k".repeat(86)}==`);

export interface CosmosFixture extends AsyncDisposable {
  readonly peer: CosmosPeer;
  readonly clock: HastyClock;
  readonly store: CosmosStore;
  /** A second one with a client of its own, as another process has it. */
  readonly other: CosmosStore;
}

export async function openPeer(
  options: Partial<Pick<CosmosStoreOptions, "onCharge" | "onRetry" | "onUnreadable">> &
    Omit<CosmosPeerOptions, "clock"> = {},
): Promise<CosmosFixture> {
  const clock = new HastyClock(attemptLimitMs / 2);
  const peer = await CosmosPeer.start({ ...options, clock });
  const settings = { endpoint: peer.url, key: anyKey };
  const connections: CosmosConnection[] = [];
  const open = async (): Promise<CosmosStore> => {
    const connection = await openCosmos(settings, { signal: AbortSignal.timeout(30_000) });
    connections.push(connection);
    const random = { fraction: () => 0.5, integer: () => 0, bytes: () => new Uint8Array() };
    return new CosmosStore({ ...options, connection, clock, ids: systemIds, random });
  };
  const store = await open();
  const other = await open();
  peer.requests.length = 0;
  return {
    peer,
    clock,
    store,
    other,
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) connection[Symbol.dispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}
