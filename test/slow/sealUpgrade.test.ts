/**
 * The upgrade from a release that knows no sealing, as real processes on one data folder: what it has stored in clear is served and
 * sealed; what is sealed it leaves alone; and at the end nothing in clear is left in the file.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formsIn, formsOf } from "../leaks/secretForms.ts";
import {
  clusterPullSecret,
  clusterUrl,
  getCluster,
  listClusters,
  patchCluster,
  putCluster,
  untilState,
} from "../process/clusterCalls.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";
import { StoredState } from "../process/storedState.ts";
import { unsealedRelease } from "./earlierRelease.ts";

const reseal = fileURLToPath(new URL("../../src/reseal.ts", import.meta.url));

test("clear documents are served and sealed, sealed ones are too new for the release of before, and reseal leaves nothing in clear", async () => {
  using unpacked = unsealedRelease();
  using folder = temporaryFolder({ holdsSecrets: true });
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
  const earlier = await RpProcess.start(settings, unpacked.program);
  for (const name of ["a", "b", "c"]) {
    expect(await putCluster(earlier, name)).toBe(201);
    await untilState(earlier, name, "Succeeded");
  }
  const forms = formsOf(clusterPullSecret);
  const stored = (): string => {
    using state = new StoredState(folder.path);
    return JSON.stringify(state.sealedSecrets());
  };
  expect(formsIn(stored(), forms)).not.toEqual([]);

  // side by side: each serves what the earlier one has written
  const present = await RpProcess.start(settings);
  expect((await listClusters(present)).names).toEqual(["a", "b", "c"]);
  const password = await (await fetch(clusterUrl(earlier, "a/credentials"))).text();
  expect(await (await fetch(clusterUrl(present, "a/credentials"))).text()).toBe(password);
  // tagged through the present one, it is sealed
  expect((await patchCluster(present, "b", { tags: { team: "blue" } })).status).toBe(200);
  const refused = await fetch(clusterUrl(earlier, "b"));
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: "DocumentTooNew" } });
  expect((await listClusters(earlier)).names).toEqual(["a", "c"]);
  // and what is new is worked on by the present one; that release may keep its message to itself as long as it runs
  expect(await putCluster(present, "d")).toBe(201);
  expect((await getCluster(earlier, "a")).state).toBe("Succeeded");
  earlier.kill("SIGTERM");
  expect((await earlier.exit()).code).toBe(0);
  await untilState(present, "d", "Succeeded");

  const env = { PATH: process.env["PATH"], ...settings };
  const said = execFileSync(process.execPath, [reseal], { env, encoding: "utf8" });
  expect(said).toMatch(/^2 resealed by the key "key-[0-9a-f]{8}"\neverything is sealed/);
  for (const name of ["a", "b", "c", "d"]) {
    expect((await getCluster(present, name)).state).toBe("Succeeded");
  }
  expect(await (await fetch(clusterUrl(present, "a/credentials"))).text()).toBe(password);
  expect(formsIn(stored(), forms)).toEqual([]);
  present.kill("SIGTERM");
  await present.exit();
  // what is in unused pages goes with the README's command
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const command = /^ {4}(.*exec\('VACUUM'\).*)$/m.exec(readme)?.[1] ?? "";
  execFileSync("sh", ["-c", command.replace("data/rp.sqlite", join(folder.path, "rp.sqlite"))], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { PATH: process.env["PATH"] },
  });
  expect(formsIn(readFileSync(join(folder.path, "rp.sqlite")), forms)).toEqual([]);
});
