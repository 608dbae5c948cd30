/**
 * A process of a test: becomes the real program, with its data folder on a disk of a few megabytes that nobody else sees and
 * that ends with it. Its own id it leaves beside that folder, for `/proc/<id>/root` leads to the disk.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ownProgram } from "../../process/rpProcess.ts";
import { privateMounts } from "../privateMounts.ts";

const dataDir = process.env["DATA_DIR"] ?? "";
mkdirSync(dataDir);
writeFileSync(join(dirname(dataDir), "pid"), String(process.pid));
const script = 'mount -t tmpfs -o size=8m tmpfs "$DATA_DIR" && exec "$0" "$1"';
const [file = "", ...args] = privateMounts;
process.execve?.(file, [file, ...args, "sh", "-c", script, process.execPath, ownProgram]);
