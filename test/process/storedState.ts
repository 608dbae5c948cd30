/**
 * What lies in the database file of a data folder, seen past the program: documents, their secrets opened with the key beside
 * the file, messages, whether SQLite finds the file sound. And written past it, as a newer release or a stranger would. Other
 * processes may have the file open meanwhile.
 */
import { isSealed } from "../../src/model/clusterSecrets.ts";
import { createSecretKey, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type {
  ClusterDocument,
  DocumentKind,
  DocumentOfKind,
  OperationDocument,
  SecretDocument,
} from "../../src/model/document.ts";
import {
  envelopeFrom,
  nonceBytes,
  openedText,
  sealText,
  type SealingKey,
} from "../../src/store/sealedSecrets.ts";

/** A document with its row. */
export interface StoredDocument<K extends DocumentKind> {
  readonly document: DocumentOfKind<K>;
  readonly etag: string;
}

export class StoredState implements Disposable {
  readonly #connection: DatabaseSync;
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#connection = new DatabaseSync(join(dataDir, "rp.sqlite"), { timeout: 5_000 });
  }

  /** All clusters, in the order of their names. */
  clusters(): readonly ClusterDocument[] {
    return this.#all("cluster").map(({ document }) => document);
  }

  /** What stands in place of each cluster's secrets, in the order of their names. */
  sealedSecrets(): readonly unknown[] {
    return this.#connection
      .prepare("SELECT body FROM documents WHERE kind = 'cluster' ORDER BY partition, id")
      .all()
      .map(({ body }) => (JSON.parse(String(body)) as ClusterDocument).secrets);
  }

  /** All records of operations, in the order of their beginnings. */
  operations(): readonly OperationDocument[] {
    const documents = this.#all("operation").map(({ document }) => document);
    return documents.toSorted((one, other) => one.startedAt - other.startedAt);
  }

  /** @throws {Error} when there is no such cluster. */
  cluster(name: string): StoredDocument<"cluster"> {
    const found = this.#all("cluster").find(({ document }) => document.name === name);
    if (found === undefined) throw new Error(`there is no cluster ${name}`);
    return found;
  }

  /** @throws {Error} when there is no such record. */
  operation(id: string): StoredDocument<"operation"> {
    const found = this.#all("operation").find(({ document }) => document.id === id);
    if (found === undefined) throw new Error(`there is no operation ${id}`);
    return found;
  }

  /** How many messages are on the queue, visible or not. */
  messageCount(): number {
    return Number(this.#connection.prepare("SELECT count(*) AS n FROM messages").get()?.["n"]);
  }

  /** `ok`, or what SQLite finds wrong with the file. */
  integrity(): string {
    const rows = this.#connection.prepare("PRAGMA integrity_check").all();
    return rows.map((row) => String(row["integrity_check"])).join("\n");
  }

  /** Whether a process is in the middle of a write. */
  isLocked(): boolean {
    this.#connection.exec("PRAGMA busy_timeout = 0");
    try {
      this.#connection.exec("BEGIN IMMEDIATE; ROLLBACK");
      return false;
    } catch {
      return true;
    } finally {
      this.#connection.exec("PRAGMA busy_timeout = 5000");
    }
  }

  /** Writes a document back with changes that this release need not know. */
  edit<K extends DocumentKind>(
    document: DocumentOfKind<K>,
    change: (current: DocumentOfKind<K>) => object,
  ): void {
    const { subscriptionId: partition, id } = document;
    this.#transaction(() => {
      const row = this.#connection
        .prepare("SELECT body FROM documents WHERE partition = ? AND id = ?")
        .get(partition, id);
      const stored = JSON.parse(String(row?.["body"])) as DocumentOfKind<K>;
      const changed = change(this.#opened(stored));
      this.#connection
        .prepare("UPDATE documents SET body = ?, etag = ? WHERE partition = ? AND id = ?")
        .run(
          JSON.stringify(this.#sealedAs(stored, changed)),
          String(this.#nextUnique()),
          partition,
          id,
        );
    });
  }

  /** Puts a message onto the queue. */
  send(body: string): void {
    this.#transaction(() => {
      this.#connection
        .prepare(
          `INSERT INTO messages (id, visible_at, hidden_since, pop_receipt, deliveries, body)
           VALUES (?, 0, 0, ?, 0, ?)`,
        )
        .run(this.#nextUnique(), this.#nextUnique(), body);
    });
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #all<K extends DocumentKind>(kind: K): readonly StoredDocument<K>[] {
    return this.#connection
      .prepare("SELECT etag, body FROM documents WHERE kind = ? ORDER BY partition, id")
      .all(kind)
      .map(({ etag, body }) => ({
        document: this.#opened(JSON.parse(String(body)) as DocumentOfKind<K>),
        etag: String(etag),
      }));
  }

  /** Those of the file, the newest first. */
  #keys(): readonly SealingKey[] {
    const lines = readFileSync(join(this.#dataDir, "rp.key"), "utf8").trim().split("\n");
    return lines.map((line) => {
      const [id = "", base64 = ""] = line.split(" ");
      return { id, key: createSecretKey(Buffer.from(base64, "base64")) };
    });
  }

  /** In clear, with the mark of what is sealed. */
  #opened<K extends DocumentKind>(document: DocumentOfKind<K>): DocumentOfKind<K> {
    const { secrets } = document as { readonly secrets?: unknown };
    if (!isSealed(secrets)) return document;
    const envelope = envelopeFrom(secrets);
    const found = this.#keys().find(({ id }) => id === envelope.keyId);
    if (found === undefined) throw new Error(`there is no key ${envelope.keyId}`);
    const text = openedText(envelope, document as SecretDocument, found.key);
    return { ...document, secrets: JSON.parse(text) as unknown };
  }

  /** Sealed if what was stored is. */
  #sealedAs(stored: object, changed: object): object {
    const [key] = isSealed((stored as { readonly secrets?: unknown }).secrets) ? this.#keys() : [];
    if (key === undefined) return changed;
    const document = changed as SecretDocument;
    const text = JSON.stringify(document.secrets);
    const secrets = sealText(text, document, { key, nonce: randomBytes(nonceBytes) });
    return { ...document, secrets };
  }

  #nextUnique(): number {
    const row = this.#connection
      .prepare("UPDATE sequence SET last = last + 1 RETURNING last")
      .get();
    return Number(row?.["last"]);
  }

  #transaction(run: () => void): void {
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      run();
      this.#connection.exec("COMMIT");
    } catch (error) {
      this.#connection.exec("ROLLBACK");
      throw error;
    }
  }
}
