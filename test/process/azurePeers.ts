/**
 * The Azure engines as peers of our own in the test's process, on the machine's clock: what a real process is told to run on, and
 * what has come of it, seen past the program. They must never be kinder than the services (see each peer).
 */
import type { ClusterDocument, DocumentKind, OperationDocument } from "../../src/model/document.ts";
import { queueName } from "../../src/queue/storageQueueConnection.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { documentsContainer } from "../../src/store/cosmosLayout.ts";
import { peerAccount, peerKey } from "../queue/storageQueueFixture.ts";
import { StorageQueuePeer } from "../queue/storageQueuePeer.ts";
import { watch } from "../leaks/leakWatch.ts";
import { anyKey } from "../store/cosmosFixture.ts";
import { CosmosPeer, type CosmosPeerOptions } from "../store/cosmosPeer.ts";
import type { FreshEngines } from "./engineSuite.ts";
import { makeKeyFile, type KeyFile } from "./keyFile.ts";
import type { Environment } from "./rpProcess.ts";

export interface AzurePeersOptions extends Omit<CosmosPeerOptions, "clock"> {
  /** Of the only queue, if it is not to be the program's. */
  readonly queueName?: string;
}

export class AzurePeers implements FreshEngines {
  readonly cosmos: CosmosPeer;
  readonly queue: StorageQueuePeer;
  readonly #keyFile: KeyFile;

  private constructor(cosmos: CosmosPeer, queue: StorageQueuePeer) {
    this.cosmos = cosmos;
    this.queue = queue;
    this.#keyFile = makeKeyFile();
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
      SEALING_KEY_FILE: this.#keyFile.path,
    };
  }

  /** All clusters, in the order of their names. */
  clusters(): readonly ClusterDocument[] {
    const documents = this.#documents("cluster") as readonly ClusterDocument[];
    return documents.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** All records of operations. */
  operations(): readonly OperationDocument[] {
    return this.#documents("operation") as readonly OperationDocument[];
  }

  /** How many messages are on the queue, visible or not. */
  messageCount(): number {
    return this.queue.texts.length;
  }

  #documents(kind: DocumentKind): readonly unknown[] {
    return this.cosmos
      .items(documentsContainer.name)
      .filter((item) => item["kind"] === kind)
      .map((item) => item["document"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // what the engines were told, sealed
    for (const { headers, body } of this.cosmos.requests) {
      watch("a request to Cosmos DB", `${body} ${JSON.stringify(headers)}`);
    }
    for (const text of this.queue.texts) watch("a message", text);
    await this.cosmos[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
    this.#keyFile[Symbol.dispose]();
  }
}
