/**
 * A store whose every call says for whom it is made, in front of any other, so that what an adapter tells of a call, such as its
 * request units, can be found by the ids of the request or operation. It must never change anything else of a call.
 */
import type { LogIds } from "../model/logIds.ts";
import { layeredPort } from "../runtime/portLayer.ts";
import type { CallOptions, Store } from "./store.ts";

/** Which argument of each method is its `CallOptions`. */
const optionsAt: Readonly<Record<keyof Store, number>> = {
  read: 2,
  commit: 2,
  listClusters: 2,
  listUnqueued: 1,
  listUnattended: 2,
  listRunning: 1,
  listPurges: 2,
  listUnsettled: 2,
  listNotSealedBy: 2,
  updateScheduling: 2,
  acquireLease: 1,
  renewLease: 2,
  releaseLease: 1,
  leaseRemainingMs: 1,
  ping: 0,
};

/** @param logIds of whoever a call is made for, when it is made. */
export function attributedStore(store: Store, logIds: () => LogIds): Store {
  return layeredPort(store, async ({ method, given, run }) => {
    const at = optionsAt[method as keyof Store];
    const options = given[at] as CallOptions | undefined;
    return run(given.toSpliced(at, 1, { ...options, logIds: logIds() }));
  });
}
