/**
 * The one way in which an operator's action changes a cluster: read, decide, commit on what was read. A lost race reads and decides
 * again, so that of two who ask for the same only one gets it; a commit whose answer was lost is looked for by its own id.
 */
import type { ClusterDocument } from "../model/document.ts";
import { hasWrite } from "../model/recentWrites.ts";
import { RpError } from "../model/rpError.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  type Stored,
  type Write,
} from "../store/store.ts";
import type { Answer } from "../listener/answer.ts";
import type { AdminExchange } from "./exchange.ts";
import { clusterKeyOf, readCluster } from "./readDocument.ts";

/** What is to be written, and what is answered once it is. */
export interface Change {
  readonly writes: readonly Write[];
  /** How the commit is found again: by the record of its operation, or among the cluster's latest writes. */
  readonly mark: { readonly operationId: string } | { readonly writeId: string };
  readonly answer: Answer;
}

/** @throws {RpError} when the cluster is not such that it could be done. */
type Decide = (current: Stored<ClusterDocument>) => Promise<Change>;

/** A worker that writes after each step can win some races; one that wins all of these is well at work. */
const racesMax = 5;
const racePauseMs = 20;

/** @throws {RpError} of `decide`, of the read, or `Conflict` after too many lost races. */
export async function changeCluster(exchange: AdminExchange, decide: Decide): Promise<Answer> {
  const { services, context } = exchange;
  const { store, clock, committed } = services;
  const { signal } = context;
  let unknown: Change | undefined;
  for (let race = 0; race < racesMax; race += 1) {
    if (race > 0) await clock.sleep(racePauseMs * race, signal);
    if (unknown !== undefined && (await happened(exchange, unknown))) {
      committed.notify();
      return unknown.answer;
    }
    // secrets stay as they are, whether they can be opened or not
    const stored = await readCluster(exchange, { openSecrets: false });
    const change = await decide(stored);
    try {
      await store.commit(stored.document.subscriptionId, change.writes, { signal });
      committed.notify();
      return change.answer;
    } catch (error) {
      if (error instanceof StoreOutcomeUnknownError) {
        context.log.warn({ error }, "a commit got no answer; it is looked for");
        unknown = change;
      } else if (!(error instanceof StoreConflictError)) throw error;
    }
  }
  if (unknown !== undefined) {
    if (await happened(exchange, unknown)) return unknown.answer;
    throw new StoreOutcomeUnknownError("a commit got no answer and was not found either");
  }
  throw new RpError(
    { code: "Conflict", message: "The cluster is being changed by others; look at it again." },
    { retryAfterSeconds: 1 },
  );
}

/** The record outlives the cluster: a deletion that was begun may have come to its end already. */
async function happened(exchange: AdminExchange, { mark }: Change): Promise<boolean> {
  if ("writeId" in mark) {
    const { document } = await readCluster(exchange, { openSecrets: false });
    return hasWrite(document, mark.writeId);
  }
  const { services, context } = exchange;
  const key = { partition: clusterKeyOf(exchange).partition, id: mark.operationId };
  const record = await services.store.read("operation", key, { signal: context.signal });
  return record !== undefined;
}
