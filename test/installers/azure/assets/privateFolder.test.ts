/** Private folders: closed to others, gone when they were used, swept when their process is gone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  PrivateFolder,
  sweepPrivateFolders,
  usedMsMax,
} from "../../../../src/installers/azure/assets/privateFolder.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

let parent = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "private-folders-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

/** The name of a folder as this process makes it, but of another one. */
async function nameOf(owner: {
  readonly pid?: number;
  readonly start?: string;
  readonly place?: string;
}) {
  await using own = await PrivateFolder.make(parent);
  const [, , place, pid, start] = basename(own.path).split("-");
  return `openshift-rp-${owner.place ?? place}-${owner.pid ?? pid}-${owner.start ?? start}-abcdef`;
}

function leave(name: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  writeFileSync(join(path, "secret"), "left");
  return path;
}

/** The number of a process that is gone. */
async function goneProcess(): Promise<number> {
  const child = spawn("/bin/sh", ["-c", "exit 0"]);
  await once(child, "exit");
  return child.pid ?? 0;
}

describe("a private folder", () => {
  it("and all in it is for its owner alone", async () => {
    await using folder = await PrivateFolder.make(parent);
    expect(mode(folder.path)).toBe(0o700);
    const file = await folder.write("below/deep/file", "text");
    expect(mode(file)).toBe(0o600);
    expect(mode(join(folder.path, "below"))).toBe(0o700);
    expect(mode(await folder.makeFolder("other"))).toBe(0o700);
  });

  it("goes with all in it, whatever happens", async () => {
    const use = async (): Promise<void> => {
      await using folder = await PrivateFolder.make(parent);
      await folder.write("below/file", "text");
      throw new Error("in the middle");
    };
    await expect(use()).rejects.toThrow("in the middle");
    expect(readdirSync(parent)).toEqual([]);
  });

  it("gives its files with their paths, and follows no link out of it", async () => {
    await using folder = await PrivateFolder.make(parent);
    await folder.write("top/a", "1");
    await folder.write("top/below/b", "2");
    await folder.write("outside", "3");
    symlinkSync(join(folder.path, "outside"), join(folder.path, "top/link"));
    symlinkSync(folder.path, join(folder.path, "top/loop"));
    const files = await folder.filesIn("top");
    expect(
      new Map([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()])),
    ).toEqual(
      new Map([
        ["a", "1"],
        ["below/b", "2"],
      ]),
    );
  });

  it("gives no more than a bounded number of files", async () => {
    await using folder = await PrivateFolder.make(parent);
    const top = await folder.makeFolder("top");
    for (let count = 0; count <= 500; count++) writeFileSync(join(top, String(count)), "");
    await expect(folder.filesIn("top")).rejects.toThrow(RangeError);
  });
});

describe("the sweep", () => {
  it("removes what processes that are gone have left, and counts it", async () => {
    const left = leave(await nameOf({ pid: await goneProcess() }));
    expect(await sweepPrivateFolders(parent, systemClock)).toBe(1);
    expect(existsSync(left)).toBe(false);
  });

  it("removes what a former process of the same number has left", async () => {
    const left = leave(await nameOf({ start: "1" }));
    expect(await sweepPrivateFolders(parent, systemClock)).toBe(1);
    expect(existsSync(left)).toBe(false);
  });

  it("leaves what living processes use, and everything else", async () => {
    const child = spawn("/bin/sh", ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"] });
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
      const others = [
        leave(await nameOf({ pid: child.pid ?? 0, start })),
        leave("openshift-rp-notes"),
        leave("openshift-rp-abcdefabcdef-1-x-abcdef"),
        leave("else"),
      ];
      await using own = await PrivateFolder.make(parent);
      expect(await sweepPrivateFolders(parent, systemClock)).toBe(0);
      for (const path of [...others, own.path]) expect(existsSync(path), path).toBe(true);
    } finally {
      child.kill();
      await once(child, "exit");
    }
  });

  it("leaves another container's until no program runs that long", async () => {
    const path = leave(await nameOf({ place: "000000000000", pid: await goneProcess() }));
    expect(await sweepPrivateFolders(parent, systemClock)).toBe(0);
    const old = (systemClock.now() - usedMsMax - 60_000) / 1000;
    utimesSync(path, old, old);
    expect(await sweepPrivateFolders(parent, systemClock)).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it("doesn't follow a link that is named like a folder", async () => {
    const target = leave("else");
    symlinkSync(target, join(parent, await nameOf({ start: "1" })));
    expect(await sweepPrivateFolders(parent, systemClock)).toBe(0);
    expect(existsSync(join(target, "secret"))).toBe(true);
  });
});
