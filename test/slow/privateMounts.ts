/** The command that runs another with mounts of its own, which end with it and which nobody else sees. */
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";

export const privateMounts: readonly string[] = [
  globSync("/{usr/bin,bin}/unshare")[0] ?? "unshare",
  "--mount",
  // elsewhere a user may only do so in a namespace of users
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
];

/** Whether this machine lets us. */
export function canMount(): boolean {
  const [file = "", ...args] = privateMounts;
  try {
    execFileSync(file, [...args, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
