/**
 * Faults of the machine under the real program: the disk is full or fails, the database can't be written, is locked, damaged
 * or taken away, or belongs to another release. Callers are told to come back, whoever runs the program is told what to do,
 * and what was accepted is there afterwards.
 */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { migrations } from "../../src/store/sqliteSchema.ts";
import {
  askForCluster,
  clusterUrl,
  deleteCluster,
  getCluster,
  listClusters,
  patchCluster,
  putCluster,
  untilState,
} from "../process/clusterCalls.ts";
import {
  ownProgram,
  RpProcess,
  temporaryFolder,
  type Environment,
  type Exit,
} from "../process/rpProcess.ts";
import { expectEveryStepOnce } from "../process/stepHistory.ts";
import { StoredState } from "../process/storedState.ts";
import { earlierRelease } from "./earlierRelease.ts";
import { canMount } from "./privateMounts.ts";

const failed: Exit = { code: 1, signal: null };
const quickly = { LOCAL_INSTALL_SECONDS: "0" };
/** On Linux: makes files immutable, and sets limits to a process. */
const chattr = "/usr/bin/chattr";
const prlimit = "/usr/bin/prlimit";
const onSmallDisk = fileURLToPath(new URL("processes/onSmallDisk.ts", import.meta.url));

async function isReady(rp: RpProcess): Promise<boolean> {
  return (await fetch(`${rp.url}/healthz/ready`)).status === 200;
}

/** Every write is refused with the advice to come back, and every read is answered. */
async function expectReadsAlone(rp: RpProcess, name: string): Promise<void> {
  const refused = await Promise.all([
    askForCluster(rp, "refused"),
    patchCluster(rp, name, { tags: { refused: "yes" } }),
  ]);
  for (const response of refused) {
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await response.json()).toMatchObject({ error: { code: "ServiceUnavailable" } });
  }
  expect(await isReady(rp)).toBe(false);
  expect((await getCluster(rp, name)).cluster).not.toHaveProperty("tags.refused");
  expect((await getCluster(rp, "refused")).state).toBe("gone");
  expect(await listClusters(rp)).toEqual({ status: 200, names: [name] });
}

/** What was refused is done when it is asked for again. */
async function expectWritesAgain(rp: RpProcess): Promise<void> {
  await expect.poll(async () => isReady(rp)).toBe(true);
  expect(await putCluster(rp, "refused")).toBe(201);
  await untilState(rp, "refused", "Succeeded");
}

/** Stops it in a moment in which its files may be copied as they are. */
function copyOfFiles(rp: RpProcess, from: string, to: string): void {
  mkdirSync(to);
  rp.kill("SIGSTOP");
  for (const file of ["rp.sqlite", "rp.sqlite-wal", "rp.key"])
    copyFileSync(join(from, file), join(to, file));
  rp.kill("SIGCONT");
}

test("a full disk: writes are refused, reads go on, and once there is room everything does", async ({
  skip,
}) => {
  skip(!canMount(), "a small disk takes the right to mount one");
  using folder = temporaryFolder();
  const DATA_DIR = join(folder.path, "data");
  await using rp = await RpProcess.start({ DATA_DIR, ...quickly }, onSmallDisk);
  const disk = join("/proc", readFileSync(join(folder.path, "pid"), "utf8"), "root", DATA_DIR);
  expect(await putCluster(rp, "before")).toBe(201);
  await untilState(rp, "before", "Succeeded");

  const filler = join(disk, "filler");
  expect(() => {
    for (;;) appendFileSync(filler, Buffer.alloc(4_096));
  }).toThrow("ENOSPC");
  await expectReadsAlone(rp, "before");
  expect((await deleteCluster(rp, "before")).status).toBe(503);

  rmSync(filler);
  await expectWritesAgain(rp);
  const copy = join(folder.path, "copy");
  copyOfFiles(rp, disk, copy);
  using state = new StoredState(copy);
  expect(state.integrity()).toBe("ok");
  expect(state.clusters().map(({ name }) => name)).toEqual(["before", "refused"]);
  for (const operation of state.operations()) expectEveryStepOnce(operation);
});

/** The setting with which a process runs a line of JavaScript before the program. */
function running(line: string): Environment {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(line)}` };
}

describe("a disk that fails, as no file may grow any more (EFBIG)", () => {
  beforeEach(({ skip }) => {
    skip(!existsSync(prlimit), "only Linux limits the files of a process from outside");
  });

  test("at the commit: writes are refused, reads go on, and afterwards everything does", async () => {
    using folder = temporaryFolder();
    const pidFile = JSON.stringify(join(folder.path, "pid"));
    await using rp = await RpProcess.start({
      DATA_DIR: folder.path,
      ...quickly,
      ...running(
        `import{writeFileSync}from"node:fs";writeFileSync(${pidFile},String(process.pid))`,
      ),
    });
    const limitFiles = (bytes: number | "unlimited"): void => {
      const pid = readFileSync(join(folder.path, "pid"), "utf8");
      execFileSync(prlimit, ["--pid", pid, `--fsize=${bytes}:`]);
    };
    expect(await putCluster(rp, "before")).toBe(201);
    await untilState(rp, "before", "Succeeded");

    limitFiles(statSync(join(folder.path, "rp.sqlite-wal")).size);
    await expectReadsAlone(rp, "before");
    limitFiles("unlimited");
    await expectWritesAgain(rp);
    using state = new StoredState(folder.path);
    expect(state.integrity()).toBe("ok");
    for (const operation of state.operations()) expectEveryStepOnce(operation);
  });

  test("at the start: a sentence and exit code 1, and nothing is lost", async () => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, ...quickly };
    const before = await RpProcess.start(settings);
    expect(await putCluster(before, "before")).toBe(201);
    before.kill("SIGKILL");
    await before.exit();

    const limitOwn = `import{execFileSync}from"node:child_process";execFileSync("${prlimit}",["--pid",String(process.pid),"--fsize=1000:"])`;
    await using refused = RpProcess.spawn({ PORT: "0", ...settings, ...running(limitOwn) });
    expect(await refused.exit()).toEqual(failed);
    expect(refused.errors).toMatch(
      /^the database .* cannot be opened: .* may be full or failing\.\n$/,
    );
    await using rp = await RpProcess.start(settings);
    await untilState(rp, "before", "Succeeded");
  });
});

/** Nobody, not even root, may write the file, or make one in the folder, until it is disposed of. */
function makeUnwritable(path: string): Disposable {
  const isRoot = process.getuid?.() === 0;
  const mode = statSync(path).mode & 0o777;
  if (isRoot) execFileSync(chattr, ["+i", path]);
  else chmodSync(path, mode & 0o555);
  return {
    [Symbol.dispose]: () => {
      if (isRoot) execFileSync(chattr, ["-i", path]);
      else chmodSync(path, mode);
    },
  };
}

/** For root this needs a file system with immutable files. */
function canMakeUnwritable(): boolean {
  if (process.getuid?.() !== 0) return true;
  using folder = temporaryFolder();
  try {
    for (const flag of ["+i", "-i"]) {
      execFileSync(chattr, [flag, folder.path], { stdio: "ignore" });
    }
    return true;
  } catch {
    return false;
  }
}

const isUnwritableHere = canMakeUnwritable();
const whyNotUnwritable = "root may write everything here: this file system has no immutable files";

test.for([
  ["the file", "data/rp.sqlite"],
  ["its folder", "data"],
] as const)(
  "a start where %s may not be written: a sentence and exit code 1",
  async ([_what, path], { skip }) => {
    skip(!isUnwritableHere, whyNotUnwritable);
    using folder = temporaryFolder();
    const settings = { DATA_DIR: join(folder.path, "data"), ...quickly };
    const before = await RpProcess.start(settings);
    expect(await putCluster(before, "before")).toBe(201);
    before.kill("SIGTERM");
    await before.exit();

    {
      using _unwritable = makeUnwritable(join(folder.path, path));
      await using refused = RpProcess.spawn({ PORT: "0", ...settings });
      expect(await refused.exit()).toEqual(failed);
      const file = join(settings.DATA_DIR, "rp.sqlite");
      expect(refused.errors).toContain(`the database ${file} cannot be opened: `);
      expect(refused.errors).toMatch(/this user may write|not permitted|permission denied/);
      expect(refused.errors.trim().split("\n")).toHaveLength(1);
    }
    await using rp = await RpProcess.start(settings);
    await untilState(rp, "before", "Succeeded");
  },
);

test("a start where no folder may be made: a sentence and exit code 1", async ({ skip }) => {
  skip(!isUnwritableHere, whyNotUnwritable);
  using folder = temporaryFolder();
  using _unwritable = makeUnwritable(folder.path);
  await using rp = RpProcess.spawn({ PORT: "0", DATA_DIR: join(folder.path, "data") });
  expect(await rp.exit()).toEqual(failed);
  expect(rp.errors).toMatch(/^the database .*rp\.sqlite cannot be opened: E\w+: .*mkdir/);
});

// permissions count when a file is opened; that it becomes immutable counts at once, but takes root
test("files that may no longer be written: writes are refused, reads go on, and afterwards everything does", async ({
  skip,
}) => {
  skip(!isUnwritableHere, whyNotUnwritable);
  skip(process.getuid?.() !== 0, "only root makes a file immutable that is open");
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, ...quickly });
  expect(await putCluster(rp, "before")).toBe(201);
  await untilState(rp, "before", "Succeeded");
  {
    using _unwritable = makeUnwritable(join(folder.path, "rp.sqlite-wal"));
    await expectReadsAlone(rp, "before");
  }
  await expectWritesAgain(rp);
  using state = new StoredState(folder.path);
  expect(state.integrity()).toBe("ok");
});

test("a database that is locked by somebody else: a start waits for nobody, writes are refused until it is free", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, ...quickly };
  const before = await RpProcess.start(settings);
  expect(await putCluster(before, "before")).toBe(201);
  await untilState(before, "before", "Succeeded");
  before.kill("SIGTERM");
  await before.exit();

  const other = new DatabaseSync(join(folder.path, "rp.sqlite"), { timeout: 5_000 });
  other.exec("BEGIN IMMEDIATE");
  await using rp = await RpProcess.start(settings);
  await expectReadsAlone(rp, "before");
  other.exec("ROLLBACK");
  other.close();
  await expectWritesAgain(rp);
});

/** Fills the first page of a table with what no page can be. */
function damageTable(dataDir: string, table: string): void {
  const path = join(dataDir, "rp.sqlite");
  const connection = new DatabaseSync(path);
  const { rootpage } = connection
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?")
    .get(table) as { readonly rootpage: number };
  connection.close();
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(8_192, 0xee), 0, 8_192, (rootpage - 1) * 8_192);
  closeSync(file);
}

test.each([
  ["frontend", "documents"],
  ["forwarder,backend", "leases"],
])(
  "a damaged file under %s: it is told once with what to do, and that helps",
  async (ROLES, table) => {
    using folder = temporaryFolder();
    const DATA_DIR = join(folder.path, "data");
    const settings = { DATA_DIR, ...quickly };
    const before = await RpProcess.start(settings);
    expect(await putCluster(before, "before")).toBe(201);
    await untilState(before, "before", "Succeeded");
    before.kill("SIGTERM");
    await before.exit();
    const backup = join(folder.path, "backup");
    copyFileSync(join(DATA_DIR, "rp.sqlite"), backup);

    damageTable(DATA_DIR, table);
    await using rp = RpProcess.spawn({ PORT: "0", ...settings, ROLES });
    expect(await rp.exit()).toEqual(failed);
    const file = join(DATA_DIR, "rp.sqlite");
    expect(rp.errors).toMatch(
      `The database file ${file} is damaged (database disk image is malformed).`,
    );
    expect(rp.errors).toContain("restore a backup");
    expect(rp.errors.trim().split("\n")).toHaveLength(1);
    expect(rp.log.filter(({ reason }) => String(reason).includes("is damaged"))).toHaveLength(1);
    expect(rp.log.filter(({ error }) => error !== undefined)).toEqual([]);

    // as the sentence says
    for (const name of readdirSync(DATA_DIR)) if (name !== "rp.key") rmSync(join(DATA_DIR, name));
    copyFileSync(backup, file);
    await using restored = await RpProcess.start(settings);
    await untilState(restored, "before", "Succeeded");
    expect(await putCluster(restored, "after")).toBe(201);
  },
);

test("a cluster whose text is damaged affects itself alone", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, ...quickly });
  for (const name of ["bad", "good"]) expect(await putCluster(rp, name)).toBe(201);
  for (const name of ["bad", "good"]) await untilState(rp, name, "Succeeded");
  const stranger = new DatabaseSync(join(folder.path, "rp.sqlite"), { timeout: 5_000 });
  const { changes } = stranger
    .prepare("UPDATE documents SET body = '{' WHERE kind = 'cluster' AND id LIKE '%bad'")
    .run();
  stranger.close();
  expect(changes).toBe(1);
  expect((await fetch(clusterUrl(rp, "bad"))).status).toBe(500);
  expect(await listClusters(rp)).toEqual({ status: 200, names: ["good"] });
  expect(await isReady(rp)).toBe(true);
  expect(await putCluster(rp, "next")).toBe(201);
  await untilState(rp, "next", "Succeeded");
  rp.kill("SIGTERM");
  expect(await rp.exit()).toEqual({ code: 0, signal: null });
});

test("its shared memory is removed: it ends before another can't see its writes, and takes nothing with it", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, ROLES: "frontend" };
  await using first = await RpProcess.start(settings);
  expect(await putCluster(first, "before")).toBe(201);
  const file = join(folder.path, "rp.sqlite-shm");
  // it can't notice before the other has come and gone
  first.kill("SIGSTOP");
  rmSync(file);
  const second = await RpProcess.start(settings);
  expect(await putCluster(second, "meanwhile")).toBe(201);
  second.kill("SIGKILL");
  await second.exit();
  const refused = putCluster(first, "split").catch(() => 503);
  first.kill("SIGCONT");
  expect(await refused).toBe(503);
  expect(await first.exit()).toEqual(failed);
  expect(first.errors).toBe(
    `The database file ${file} was removed or replaced while the process ran; start it again, ` +
      "and should clusters be missing then, restore a backup.\n",
  );

  await using third = await RpProcess.start(settings);
  expect((await listClusters(third)).names).toEqual(["before", "meanwhile"]);
  using state = new StoredState(folder.path);
  expect(state.integrity()).toBe("ok");
});

test.each([
  ["emptied", (file: string) => truncateSync(file, 0), /^The database file .* was emptied\./],
  ["removed", (file: string) => rmSync(file), /^The database file .* was removed or replaced/],
])(
  "its main file is %s while all lies in the log: it ends, no start throws the log away, and what they say brings all back",
  async (_what, lose, sentence) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, ...quickly };
    await using first = await RpProcess.start(settings);
    expect(await putCluster(first, "before")).toBe(201);
    await untilState(first, "before", "Succeeded");
    const file = join(folder.path, "rp.sqlite");
    lose(file);
    expect(await first.exit()).toEqual(failed);
    expect(first.errors).toMatch(sentence);
    expect(first.errors.trim().split("\n")).toHaveLength(1);

    let told = "";
    for (let start = 0; start < 2; start += 1) {
      await using refused = RpProcess.spawn({ PORT: "0", ...settings });
      expect(await refused.exit()).toEqual(failed);
      told = refused.errors;
      expect(told).toContain(`the database ${file} cannot be opened: it is empty or gone`);
      expect(told.trim().split("\n")).toHaveLength(1);
    }
    const command = /run "(.+)", and start again/.exec(told)?.[1] ?? "false";
    execFileSync("/bin/sh", ["-c", command]);
    expect(statSync(file).mode & 0o077).toBe(0);
    await using again = await RpProcess.start(settings);
    await untilState(again, "before", "Succeeded");
    expect(await putCluster(again, "after")).toBe(201);
    using state = new StoredState(folder.path);
    expect(state.integrity()).toBe("ok");
  },
);

test.each(["frontend", "frontend,forwarder,backend"])(
  "its log is emptied under %s: nothing more is accepted, and it ends with what to do",
  async (ROLES) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, ...quickly, ROLES };
    await using rp = await RpProcess.start(settings);
    expect(await putCluster(rp, "before")).toBe(201);
    truncateSync(join(folder.path, "rp.sqlite-wal"), 0);
    // if it is there at all any more
    expect(await putCluster(rp, "refused").catch(() => 503)).toBe(503);
    expect(await rp.exit()).toEqual(failed);
    expect(rp.errors).toMatch(
      /^The database file .*rp\.sqlite is damaged \(.*\)\. .*restore a backup/,
    );
    expect(rp.errors.trim().split("\n")).toHaveLength(1);
    expect(statSync(join(folder.path, "rp.sqlite-wal")).size).toBe(0);
  },
);

test("two releases side by side: an older one starts, serves and works on a file that a newer one has extended", async () => {
  using folder = temporaryFolder();
  using earlier = earlierRelease();
  const path = join(folder.path, "rp.sqlite");
  const added = {
    isBreaking: false,
    sql: "ALTER TABLE documents ADD COLUMN newer TEXT NOT NULL DEFAULT 'none'",
  };
  const newer = await SqliteDatabase.open({ path, migrations: [...migrations, added] });
  await newer.close();
  const settings = { DATA_DIR: folder.path, ...quickly };
  const names: string[] = [];
  for (const program of [earlier.program, ownProgram, earlier.program, ownProgram]) {
    await using rp = await RpProcess.start(settings, program);
    const name = `c${names.length}`;
    names.push(name);
    expect(await putCluster(rp, name)).toBe(201);
    for (const known of names) await untilState(rp, known, "Succeeded");
    rp.kill("SIGTERM");
    expect(await rp.exit()).toEqual({ code: 0, signal: null });
  }

  const again = await SqliteDatabase.open({ path, migrations: [...migrations, added] });
  const rows = again.statement("SELECT newer FROM documents WHERE kind = 'cluster'").all();
  await again.close();
  expect(rows).toEqual(names.map(() => ({ newer: "none" })));
  const breaking = { isBreaking: true, sql: "ALTER TABLE documents DROP COLUMN newer" };
  await (await SqliteDatabase.open({ path, migrations: [...migrations, added, breaking] })).close();
  for (const program of [earlier.program, ownProgram]) {
    await using rp = RpProcess.spawn({ PORT: "0", ...settings }, program);
    expect(await rp.exit()).toEqual(failed);
    expect(rp.errors).toMatch(/cannot be opened: a newer release/);
  }
});
