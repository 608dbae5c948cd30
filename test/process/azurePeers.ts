/**
 * The Azure engines as peers of our own in the test's process, on the machine's clock: what a real process is told to run on, and
 * what has come of it, seen past the program. They must never be kinder than the services (see each peer).
 */
import { queueName } from "../../src/queue/storageQueueConnection.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { peerAccount, peerKey } from "../queue/storageQueueFixture.ts";
import { StorageQueuePeer } from "../queue/storageQueuePeer.ts";
import { anyKey } from "../store/cosmosFixture.ts";
import { CosmosPeer, type CosmosPeerOptions } from "../store/cosmosPeer.ts";
import type { FreshEngines } from "./engineSuite.ts";
import type { Environment } from "./rpProcess.ts";

export interface AzurePeersOptions extends Omit<CosmosPeerOptions, "clock"> {
  /** Of the only queue, if it is not to be the program's. */
  readonly queueName?: string;
}

export class AzurePeers implements FreshEngines {
  readonly cosmos: CosmosPeer;
  readonly queue: StorageQueuePeer;

  private constructor(cosmos: CosmosPeer, queue: StorageQueuePeer) {
    this.cosmos = cosmos;
    this.queue = queue;
  }

  static async start(options: AzurePeersOptions = {}): Promise<AzurePeers> {
    const clock = systemClock;
    const { queueName: name = queueName, ...cosmos } = options;
    return new AzurePeers(
      await CosmosPeer.start({ ...cosmos, clock }),
      await StorageQueuePeer.start({ clock, account: peerAccount, key: peerKey, name }),
    );
  }

  get settings(): Environment {
    return {
      COSMOSDB_ENDPOINT: this.cosmos.url,
      COSMOSDB_KEY: anyKey.reveal(),
      STORAGE_QUEUE_ENDPOINT: this.queue.url,
      STORAGE_KEY: peerKey,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cosmos[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
  }
}
