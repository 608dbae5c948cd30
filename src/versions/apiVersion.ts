/**
 * What the program knows of an api-version: how it shows a stored cluster and how it reads what a caller asks for.
 * Pure functions between wire and model; each version's folder implements this with the same few files, and only the
 * registry names one. Nothing here may do I/O or know HTTP.
 */
import type { Cluster } from "../model/cluster.ts";
import type { ClusterSecrets } from "../model/clusterSecrets.ts";
import type { ClusterDocument, ListedCluster } from "../model/document.ts";
import type { Fault } from "../model/rpError.ts";

/** A JSON object of the wire. */
export type WireObject = Readonly<Record<string, unknown>>;

/** What a request is judged by, besides its body and the stored cluster. */
export interface WriteContext {
  /** The identity that the URL gives: `id`, `name` and `type` of a body must equal it in any case (ARM-06). */
  readonly identity: { readonly id: string; readonly name: string; readonly type: string };
  /** The region served, in any spelling. */
  readonly location: string;
}

/** What a write asks for. It counts only when there is no fault. */
export interface AskedCluster {
  readonly cluster: Cluster;
  readonly secrets: ClusterSecrets;
  /**
   * Faults all at once (at most 50), with JSON paths as targets. Ranges of numbers and lengths of arrays are the
   * schema's, for PATCH as well; a missing member may be found by both, with the same code and target. No message
   * holds a secret.
   */
  readonly faults: readonly Fault[];
}

/** One api-version. */
export interface ApiVersion {
  /** As in the query: `2019-12-31-preview`. */
  readonly name: string;

  /** The resource as GET, PUT, PATCH and the lists show it (ARM-42). Never a secret. */
  show(document: ListedCluster): WireObject;

  /** The answer of the credentials action; `undefined` while there are none (ARM-72). */
  showCredentials(document: ClusterDocument): WireObject | undefined;

  /**
   * A PUT: replaces (ARM-33), with omitted members as decision 14 says. Never throws, whatever the body holds.
   *
   * @param body has been checked against the contract's schema. Whatever that found, the two lists are one answer: a
   *   member that can't be read hides no fault of another.
   * @param current the stored cluster; `undefined` at creation. Members it holds that this version doesn't map stay,
   *   at any depth, and so does `systemData`.
   */
  readPut(
    body: WireObject,
    current: ClusterDocument | undefined,
    context: WriteContext,
  ): AskedCluster;

  /** A PATCH: a merge on the external form (ARM-47, decision 6), then judged like a PUT (ARM-52). Never throws. */
  readPatch(body: WireObject, current: ClusterDocument, context: WriteContext): AskedCluster;
}
