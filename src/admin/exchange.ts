/**
 * What a handler of the operator's API is given and gives back. It sees checked parameters and the effects that the composition
 * root handed in; it never sees Express.
 */
import type { Answer } from "../listener/answer.ts";
import type { RequestContext } from "../listener/requestContext.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Nudge } from "../runtime/nudge.ts";
import type { Store } from "../store/store.ts";

/** The process as an operator sees and drains it: an effect, since this room may not know the roles. */
export interface ProcessControl {
  /** What it does now. */
  status(): ProcessStatus;
  /** No new work from now on; does nothing when it is so already. */
  drain(): void;
  /** @returns whether it takes work now: not while it still comes to rest, nor when it was told to end. */
  undrain(): boolean;
}

/** As in the contract. */
export interface ProcessStatus {
  readonly state: "working" | "draining" | "drained" | "stopping";
  readonly pid: number;
  readonly version: string;
  readonly roles: readonly string[];
  readonly workersBusy: number;
}

/** What all requests share. */
export interface AdminServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Notified after each commit that leaves work for the forwarder. */
  readonly committed: Nudge;
  /** The region in the records of the operations that are begun here. */
  readonly location: string;
  readonly process: ProcessControl;
}

/** One request. */
export interface AdminExchange {
  /** Of path and query, by their names in the contract; percent-decoded, in the caller's casing. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly context: RequestContext;
  readonly services: AdminServices;
}

/** @throws {RpError} for an answer that is an error. */
export type AdminHandler = (exchange: AdminExchange) => Promise<Answer>;

/** @throws {TypeError} when the path has no such parameter: a defect of handler or contract. */
export function parameter({ parameters }: AdminExchange, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new TypeError(`the path has no parameter ${name}`);
  return value;
}
