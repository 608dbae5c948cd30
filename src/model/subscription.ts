/**
 * The states of a subscription as ARM announces them, and what each allows (ARM-107 to ARM-113, decisions 5, 11, 22). The
 * table is the only place that says so.
 */

import { subscriptionPartition, type DocumentKey } from "./resourceId.ts";

/** As on the wire. */
export type SubscriptionState = "Registered" | "Unregistered" | "Warned" | "Suspended" | "Deleted";

/** What a request wants in its subscription. */
export type SubscriptionRight =
  /** To look at resources and operations. */
  | "read"
  /** To create or change resources. */
  | "write"
  /** To delete resources. */
  | "delete"
  /** To call an action, credentials included. */
  | "action";

const rights = {
  Registered: ["read", "write", "delete", "action"],
  Warned: ["read", "delete"],
  Suspended: ["read", "delete"],
  Unregistered: ["read"],
  // what is there is removed by itself
  Deleted: ["read"],
} as const satisfies Record<SubscriptionState, readonly SubscriptionRight[]>;

/** All states, for tables and messages. */
export const subscriptionStates = Object.keys(rights) as readonly SubscriptionState[];

/** Whether the state allows it. A state written by a newer release allows reading only. */
export function allows(state: SubscriptionState, right: SubscriptionRight): boolean {
  const allowed = rights[state] as readonly SubscriptionRight[] | undefined;
  return (allowed ?? ["read"]).includes(right);
}

/** Where a subscription's document is: in the partition of its clusters, so that one commit can depend on it. */
export function subscriptionKey(subscriptionId: string): DocumentKey {
  // neither a cluster's id, which has a bar, nor an operation's, which is a GUID
  return { partition: subscriptionPartition(subscriptionId), id: "subscription" };
}
