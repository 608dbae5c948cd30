/**
 * What every store must do, as tests that each adapter runs. Nothing in the cases may rely on how one of them works:
 * not on its order of pages, its ETags, or its time beyond `advance`.
 */
import { adapterSuite } from "./adapterSuite.ts";
import { commitCases } from "./commitCases.ts";
import { leaseCases } from "./leaseCases.ts";
import { listingCases } from "./listingCases.ts";
import { newerReleaseCases } from "./newerReleaseCases.ts";
import { secretsCases } from "./secretsCases.ts";
import type { StoreUnderTest } from "./storeUnderTest.ts";

/** @param skips the titles of cases that an adapter does not run, each with the reason. */
export function storeSuite(
  name: string,
  open: () => Promise<StoreUnderTest>,
  skips: Readonly<Record<string, string>> = {},
): void {
  adapterSuite<StoreUnderTest>({
    name,
    open,
    skips,
    cases: (state) => {
      commitCases(state);
      newerReleaseCases(state);
      listingCases(state);
      secretsCases(state);
      leaseCases(state);
    },
  });
}
