/** What a case of the store's suite is given. */
import type { EpochMs } from "../../src/model/document.ts";
import type { Store } from "../../src/store/store.ts";
import type { Case } from "./adapterSuite.ts";

/** An empty store, as one case has it for itself. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  /** A second one on the same documents, as another process has it. */
  readonly other: Store;
  /** The time by the store's clock. */
  readonly now: () => EpochMs;
  /** Lets time pass by the store's clock. */
  readonly advance: (durationMs: number) => Promise<void>;
  /** Sets the store's clock back. */
  readonly setBack: (durationMs: number) => void;
}

export type StoreCase = Case<StoreUnderTest>;
