/**
 * Two sets of tests: `fast` is what `npm test` runs, `slow` is added by `npm run test:all`. A test is slow when it lies
 * in `test/slow/` or its file ends in `.slow.test.ts`.
 */
import { defineConfig } from "vitest/config";

const packages = ["**/node_modules/**"];
const slow = ["test/slow/**/*.test.ts", "test/**/*.slow.test.ts"];

export default defineConfig({
  test: {
    pool: "threads",
    // no module keeps state, so files may share them; loading them anew for each takes longer than most tests
    isolate: false,
    // every core: by default one is left free, which on a machine with two halves the speed
    maxWorkers: "100%",
    // a test that waits longer waits for something that will not come
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
    // one second by default, which a busy machine may need for a turn of the event loop
    expect: { poll: { timeout: 30_000 } },
    restoreMocks: true,
    // every test is watched for secrets that get out
    setupFiles: ["test/leaks/setup.ts"],
    projects: [
      {
        extends: true,
        test: { name: "fast", include: ["test/**/*.test.ts"], exclude: [...slow, ...packages] },
      },
      {
        extends: true,
        test: { name: "slow", include: slow, exclude: packages, testTimeout: 300_000 },
      },
    ],
  },
});
