/** The store of the simulation keeps the port's promises: otherwise its proofs would be about another store. */
import { TestClock } from "../runtime/testClock.ts";
import { MemoryStore } from "./memoryStore.ts";
import { storeSuite } from "./storeSuite.ts";

storeSuite("store in plain memory", async () => {
  const clock = new TestClock();
  const store = new MemoryStore({ clock });
  return {
    store,
    other: store,
    now: () => clock.now(),
    advance: async (durationMs) => clock.advance(durationMs),
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => {},
  };
});
