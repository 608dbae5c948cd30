/**
 * The one way in which a handler changes a cluster: read, decide, commit on what was read. A lost race reads and decides
 * again; a commit whose answer was lost is recognised by its own ids rather than reported as a conflict with itself.
 */
import type { ClusterDocument } from "../model/document.ts";
import { hasWrite } from "../model/recentWrites.ts";
import { clusterKey, type ClusterName, type DocumentKey } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  type CallOptions,
  type Store,
  type Stored,
  type Write,
} from "../store/store.ts";
import type { Answer } from "../listener/answer.ts";
import { clusterNameOf, type Exchange } from "./exchange.ts";
import { refuseTooNew } from "./refuseTooNew.ts";

/** What is to be written, and what is answered once it is. */
export interface Decision {
  readonly writes: readonly Write[];
  /** How the commit is found again if its answer gets lost: by its operation's record, or among the cluster's latest writes. */
  readonly mark: { readonly operationId: string } | { readonly writeId: string };
  readonly answer: Answer;
  /** Called once it is written. */
  readonly onCommitted?: () => void;
}

/** Reads the stored cluster and says what to do; an `Answer` alone means nothing is written. */
export type Decide = (current: Stored<ClusterDocument> | undefined) => Promise<Decision | Answer>;

/** Lost races after which the caller is asked to try again. */
const racesMax = 5;
/** The pause after a lost race grows by this, up to twenty times as much. */
const racePauseMs = 10;

/**
 * @param options.persistent goes on until the request's time is up, as a DELETE wins in every state.
 * @param options.openSecrets `false` for what needs none of the cluster's secrets: it is done also when they can't be opened.
 * @throws {RpError} of `decide`, `Conflict` after too many lost races, or the store's errors.
 */
export async function commitCluster(
  exchange: Exchange,
  decide: Decide,
  options: { readonly persistent?: boolean; readonly openSecrets?: boolean } = {},
): Promise<Answer> {
  const { context, services } = exchange;
  const { store, clock } = services;
  const { signal } = context;
  const key = clusterKey(clusterNameOf(exchange));
  let unknown: Decision | undefined;
  const found = async (): Promise<Answer | undefined> => {
    if (unknown === undefined || !(await happened(store, key, unknown, { signal }))) {
      return undefined;
    }
    return committed(exchange, unknown);
  };
  for (let race = 0; race < racesMax || options.persistent === true; race += 1) {
    if (race > 1) await clock.sleep(racePauseMs * Math.min(race, 20), signal);
    // read before the lost commit is looked for: one that lands in between must not look like somebody else's
    const stored = await readCluster(exchange, options);
    const answer = await found();
    if (answer !== undefined) return answer;
    const decision = await decide(stored);
    if (!("writes" in decision)) return decision;
    try {
      await store.commit(key.partition, decision.writes, { signal });
    } catch (error) {
      if (error instanceof StoreOutcomeUnknownError) {
        context.log.warn({ error }, "a commit got no answer; it is looked for");
        unknown = decision;
        continue;
      }
      if (error instanceof StoreConflictError) continue;
      throw error;
    }
    return committed(exchange, decision);
  }
  const answer = await found();
  if (answer !== undefined) return answer;
  if (unknown !== undefined) {
    throw new StoreOutcomeUnknownError("a commit got no answer and was not found either");
  }
  throw new RpError(
    { code: "Conflict", message: "The cluster is being changed by others; try again." },
    { retryAfterSeconds: services.retryAfterSeconds },
  );
}

function committed({ services }: Exchange, { answer, onCommitted }: Decision): Answer {
  services.committed.notify();
  onCommitted?.();
  return answer;
}

export interface ReadClusterOptions {
  /** The one that the path names when absent. */
  readonly name?: ClusterName;
  /** `false` for what shows none of the cluster's secrets: it is done also when they can't be opened. */
  readonly openSecrets?: boolean;
}

/**
 * The stored cluster, as far as there is one.
 *
 * @throws {RpError} `DocumentTooNew` when a newer release has marked it as not for us.
 */
export async function readCluster(
  exchange: Exchange,
  options: ReadClusterOptions = {},
): Promise<Stored<ClusterDocument> | undefined> {
  const { services, context } = exchange;
  const { name = clusterNameOf(exchange), openSecrets = true } = options;
  const { signal } = context;
  const stored = await services.store.read("cluster", clusterKey(name), { signal, openSecrets });
  if (stored !== undefined) refuseTooNew(stored.document);
  return stored;
}

/** Whether a commit without an answer has taken place. */
async function happened(
  store: Store,
  key: DocumentKey,
  { mark }: Decision,
  options: CallOptions,
): Promise<boolean> {
  if ("operationId" in mark) {
    const record = { partition: key.partition, id: mark.operationId };
    return (await store.read("operation", record, options)) !== undefined;
  }
  const stored = await store.read("cluster", key, { ...options, openSecrets: false });
  return stored !== undefined && hasWrite(stored.document, mark.writeId);
}
