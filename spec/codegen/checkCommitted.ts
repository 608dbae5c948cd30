/** Whether generated/ is committed as it is now; run after `generate`. It changes nothing. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { stdout, status } = spawnSync("git", ["status", "--porcelain", "--", "generated"], {
  cwd: root,
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (status !== 0) throw new Error("git could not be asked");
if (stdout !== "") {
  process.stderr.write(
    `generated/ is not committed as spec/ makes it. Look at it, then commit it:\n${stdout}`,
  );
  process.exitCode = 1;
}
