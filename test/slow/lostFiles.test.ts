/** The real program whose database's files are taken away while it runs: it says so once, and ends. */
import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { putCluster } from "../process/clusterCalls.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";

test.each([
  ["removed", "frontend,forwarder,backend"],
  ["removed", "frontend"],
  ["replaced", "frontend"],
])(
  "its database's files are %s under %s: a sentence, once, and exit code 1",
  async (what, ROLES) => {
    using folder = temporaryFolder();
    const DATA_DIR = join(folder.path, "data");
    await using rp = await RpProcess.start({ DATA_DIR, ROLES, LOCAL_INSTALL_SECONDS: "0" });
    expect(await putCluster(rp, "before")).toBe(201);
    if (what === "removed") {
      for (const file of readdirSync(DATA_DIR)) rmSync(join(DATA_DIR, file));
    } else {
      renameSync(DATA_DIR, `${DATA_DIR}.elsewhere`);
      // another process makes its own in the same place
      await using other = await RpProcess.start({ DATA_DIR, ROLES });
      expect(await putCluster(other, "other")).toBe(201);
    }
    // nobody asks it for anything
    expect(await rp.exit()).toEqual({ code: 1, signal: null });
    const file = join(DATA_DIR, "rp.sqlite");
    expect(rp.errors).toBe(
      `The database file ${file} was removed or replaced while the process ran; start it again, ` +
        "and should clusters be missing then, restore a backup.\n",
    );
    const said = rp.log.filter(({ reason }) => String(reason).includes("removed or replaced"));
    expect(said).toHaveLength(1);
    expect(rp.log.filter(({ error }) => error !== undefined)).toEqual([]);
  },
);
