/** The real program under a crowd, and when its database is locked: what takes too long for every run. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { putCluster, untilState } from "../process/clusterCalls.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";

test("an accepted PUT survives a SIGKILL right after its answer", async () => {
  using folder = temporaryFolder();
  // with the leases that there are by default: twenty creates at once on a busy machine outlast shorter ones, and each costs an attempt
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
  const before = await RpProcess.start(settings);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => putCluster(before, `c${index}`)),
  );
  before.kill("SIGKILL");
  await before.exit();
  expect(answers).toEqual(Array.from({ length: 20 }, () => 201));
  await using after = await RpProcess.start(settings);
  for (let index = 0; index < 20; index += 1) await untilState(after, `c${index}`, "Succeeded");
});

test("200 clusters at once all succeed", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" });
  const names = Array.from({ length: 200 }, (_, index) => `c${index}`);
  const answers = await Promise.all(names.map(async (name) => putCluster(rp, name)));
  expect(answers.filter((status) => status !== 201)).toEqual([]);
  for (const name of names) await untilState(rp, name, "Succeeded");
  // no warning of Node, such as one of too many listeners
  expect(rp.errors).toBe("");
});

test("while its database is locked by somebody else it isn't ready", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path });
  const ready = async () => (await fetch(`${rp.url}/healthz/ready`)).status;
  const other = new DatabaseSync(join(folder.path, "rp.sqlite"), { timeout: 5_000 });
  other.exec("BEGIN IMMEDIATE");
  expect(await ready()).toBe(503);
  other.exec("ROLLBACK");
  // an answer counts for a second
  let status = await ready();
  while (status === 503) status = await ready();
  expect(status).toBe(200);
  other.close();
});
