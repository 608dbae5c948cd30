/** The key file of the real program: made by whoever comes first, never made anew, rotated while it runs. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { watch } from "../leaks/leakWatch.ts";
import {
  announceSubscription,
  clusterUrl,
  getCluster,
  putCluster,
  untilState,
} from "./clusterCalls.ts";
import { AzurePeers } from "./azurePeers.ts";
import { keyLine } from "./keyFile.ts";
import { RpProcess, temporaryFolder, type Environment } from "./rpProcess.ts";
import { StoredState } from "./storedState.ts";

const quick = { LOCAL_INSTALL_SECONDS: "0" };

async function refusalOf(settings: Environment): Promise<string> {
  await using rp = RpProcess.spawn({ PORT: "0", ...settings });
  expect(await rp.exit()).toEqual({ code: 1, signal: null });
  return rp.errors.trim();
}

/** `npm run reseal`. */
async function reseal(settings: Environment) {
  const program = fileURLToPath(new URL("../../src/reseal.ts", import.meta.url));
  const env = { PATH: process.env["PATH"], ...settings };
  const run = promisify(execFile)(process.execPath, [program], { env });
  const { stdout, stderr, code } = (await run.then(
    (ended) => ({ ...ended, code: 0 }),
    (error: unknown) => error,
  )) as { readonly stdout: string; readonly stderr: string; readonly code: number };
  watch("what reseal says", stdout + stderr);
  return { code, lines: `${stdout}${stderr}`.trim().split("\n") };
}

function keyIds(folder: string): ReadonlySet<unknown> {
  using state = new StoredState(folder);
  return new Set(state.sealedSecrets().map((each) => (each as { readonly keyId?: unknown }).keyId));
}

test("processes that start at once on an empty folder make one key, for their user alone; without it none starts", async () => {
  using folder = temporaryFolder();
  const settings = { ...quick, DATA_DIR: join(folder.path, "data") };
  const path = join(settings.DATA_DIR, "rp.key");
  const all = await Promise.all([1, 2, 3].map(async () => RpProcess.start(settings)));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const [one, two, three] = all as [RpProcess, RpProcess, RpProcess];
  expect(await putCluster(one, "c")).toBe(201);
  for (const rp of [two, three]) await untilState(rp, "c", "Succeeded");
  for (const rp of all) rp.kill("SIGTERM");
  for (const rp of all) expect((await rp.exit()).code).toBe(0);

  chmodSync(path, 0o640);
  expect(await refusalOf(settings)).toMatch(/rp\.key cannot be used: .*mode 640.*chmod 600/);
  renameSync(path, `${path}.kept`);
  const [id = ""] = readFileSync(`${path}.kept`, "utf8").split(" ");
  const refusal = await refusalOf(settings);
  expect(refusal).toMatch(/rp\.key is gone, .*put the file back/);
  expect(refusal).toContain(id);
  // one of somebody else's opens nothing of ours
  writeFileSync(path, keyLine("another"), { mode: 0o600 });
  const foreignFile = await refusalOf(settings);
  expect(foreignFile).toMatch(/rp\.key is not that of this database/);
  expect(foreignFile).toContain(id);
  rmSync(path);
  // of a file that was set, where only some may have the keys of others, it is told
  const set = join(folder.path, "set.key");
  writeFileSync(set, keyLine("another"), { mode: 0o600 });
  await using foreign = await RpProcess.start({ ...settings, SEALING_KEY_FILE: set });
  expect(foreign.log).toContainEqual(
    expect.objectContaining({ level: "error", keyId: id, message: expect.stringContaining(id) }),
  );
  // what needs no secret is shown
  expect((await getCluster(foreign, "c")).state).toBe("Succeeded");
  const answer = await fetch(clusterUrl(foreign, "c/credentials"));
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  const body = (await answer.json()) as { error: { code: string; message: string } };
  expect(body.error.code).toBe("SealingKeyUnknown");
  expect(body.error.message).toContain(id);
  writeFileSync(set, keyLine("another") + readFileSync(`${path}.kept`, "utf8"));
  await expect
    .poll(async () => (await fetch(clusterUrl(foreign, "c/credentials"))).status, {
      timeout: 30_000,
    })
    .toBe(200);
});

test("keys are rotated beside a running process, and the old one can go", async () => {
  using folder = temporaryFolder();
  const settings = { ...quick, DATA_DIR: folder.path };
  const path = join(folder.path, "rp.key");
  await using rp = await RpProcess.start(settings);
  for (const name of ["a", "b"]) expect(await putCluster(rp, name)).toBe(201);
  for (const name of ["a", "b"]) await untilState(rp, name, "Succeeded");
  const password = await (await fetch(clusterUrl(rp, "a/credentials"))).text();
  const old = readFileSync(path, "utf8");
  const newer = keyLine("newer");
  writeFileSync(`${path}.new`, newer + old, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  expect(await reseal(settings)).toEqual({
    code: 0,
    lines: ['2 resealed by the key "newer"', "everything is sealed by that key"],
  });
  expect(keyIds(folder.path)).toEqual(new Set(["newer"]));
  // the process that runs has never read that key; only that it has just been started keeps it from looking at once
  await expect
    .poll(async () => (await getCluster(rp, "a")).state, { timeout: 30_000 })
    .toBe("Succeeded");

  writeFileSync(`${path}.new`, newer, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  await using next = await RpProcess.start(settings);
  expect(await (await fetch(clusterUrl(next, "a/credentials"))).text()).toBe(password);
  expect((await reseal(settings)).lines[0]).toBe('0 resealed by the key "newer"');
});

test("reseal says what it must leave, and that settings are wrong", async () => {
  using folder = temporaryFolder();
  const settings = { ...quick, DATA_DIR: folder.path, ROLES: "frontend" };
  const rp = await RpProcess.start(settings);
  expect(await putCluster(rp, "c")).toBe(201);
  rp.kill("SIGTERM");
  await rp.exit();
  const [id = ""] = readFileSync(join(folder.path, "rp.key"), "utf8").split(" ");
  writeFileSync(join(folder.path, "other.key"), keyLine("other"), { mode: 0o600 });
  const other = { ...settings, SEALING_KEY_FILE: join(folder.path, "other.key") };
  expect(await reseal(other)).toEqual({
    code: 1,
    lines: [
      '0 resealed by the key "other"',
      `1 left: sealed by the key "${id}", which is not there`,
    ],
  });
  const { LOCAL_INSTALL_SECONDS: _ofLocal, ...anyInstallers } = settings;
  const onAzure = {
    ...anyInstallers,
    INSTALLER: "azure",
    OPENSHIFT_INSTALL: "/nowhere",
    AZURE_DNS_ZONE_ID:
      "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/dns/providers/Microsoft.Network/dnsZones/clusters.example",
  };
  const { code, lines } = await reseal(onAzure);
  expect(code).toBe(0);
  expect(lines.at(-1)).toMatch(/^1 create may still need an older key: keep it until /);
  const absent = { ...settings, SEALING_KEY_FILE: join(folder.path, "absent.key") };
  const failed = await reseal(absent);
  expect(failed.code).toBe(1);
  expect(failed.lines[0]).toMatch(/^Not all is resealed: the key file .*absent\.key .*isn't there/);
  // starting again mends neither this nor a missing database
  expect(failed.lines).toHaveLength(1);
  expect((await reseal({ ...settings, PORT: "x" })).code).toBe(2);

  const wrong = join(folder.path, "wrong");
  const elsewhere = await reseal({ ...settings, DATA_DIR: wrong });
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.lines[0]).toMatch(/there is no database .*wrong.*makes none/);
  expect(elsewhere.lines).toHaveLength(1);
  expect(existsSync(wrong)).toBe(false);
  // a database alone doesn't make it make a key
  rmSync(join(folder.path, "rp.key"));
  expect((await reseal(settings)).lines[0]).toMatch(/rp\.key is gone/);
  expect(existsSync(join(folder.path, "rp.key"))).toBe(false);
});

test("a database that is made beside the key of a former one is warned of", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "rp.key"), keyLine("former"), { mode: 0o600 });
  await using rp = await RpProcess.start({ ...quick, DATA_DIR: folder.path });
  expect(rp.log.filter(({ level }) => level === "warn")).toMatchObject([
    { message: expect.stringMatching(/^a new database was made .* restore a backup$/) },
  ]);
});

test("on the Azure engines what an older key has sealed is sealed by the newest one", async () => {
  await using peers = await AzurePeers.start();
  const { SEALING_KEY_FILE = "" } = peers.settings;
  await using rp = await RpProcess.start({ ...quick, ...peers.settings });
  await announceSubscription(rp, "Registered");
  expect(await putCluster(rp, "c")).toBe(201);
  await untilState(rp, "c", "Succeeded");
  rp.kill("SIGTERM");
  expect((await rp.exit()).code).toBe(0);
  const older = readFileSync(SEALING_KEY_FILE, "utf8");
  writeFileSync(SEALING_KEY_FILE, `${keyLine("newer")}${older}`, { mode: 0o600 });
  const { code, lines } = await reseal(peers.settings);
  expect([code, lines.at(-1)]).toEqual([0, "everything is sealed by that key"]);
  expect(lines[0]).toMatch(/^[1-9][0-9]* resealed by the key "newer"$/);
});
