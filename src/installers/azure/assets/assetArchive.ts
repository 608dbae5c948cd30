/**
 * The files that `openshift-install` leaves, as one piece: JSON of pairs of path and base64, compressed. It must never unpack more than it
 * says, nor write a file. Pure.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { z } from "zod";
import { TransientError } from "../../../model/rpError.ts";

/** Contents by path, relative to the program's folder, with `/` between its parts. */
export type AssetFiles = ReadonlyMap<string, Uint8Array>;

/** Unpacked. */
const archiveBytesMax = 48 * 1024 * 1024;

/** Pairs, since an object can't have every name. */
const archiveForm = z.array(z.tuple([z.string(), z.string()]));

/** An archive that nobody packed here, or too large a one. Its message says nothing of what is in it. */
export class ArchiveDamagedError extends TransientError {
  override readonly name = "ArchiveDamagedError";
}

/** The same files give the same archive, in whatever order they come. */
export async function packAssets(files: AssetFiles): Promise<Uint8Array> {
  const paths = [...files.keys()].toSorted();
  const text = JSON.stringify(
    paths.map((path) => [path, Buffer.from(files.get(path) ?? []).toString("base64")]),
  );
  if (text.length > archiveBytesMax) throw new ArchiveDamagedError(tooLarge);
  return await promisify(gzip)(text);
}

/** @throws {ArchiveDamagedError} */
export async function unpackAssets(packed: Uint8Array): Promise<AssetFiles> {
  const read = archiveForm.safeParse(await jsonOf(packed));
  if (!read.success) throw new ArchiveDamagedError("the archive does not hold files");
  return new Map(read.data.map(([path, base64]) => [path, bytesOf(base64)]));
}

function bytesOf(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, "base64");
  // what isn't base64 is left out without a word
  if (bytes.toString("base64") !== base64) {
    throw new ArchiveDamagedError("the archive does not hold files");
  }
  return bytes;
}

async function jsonOf(packed: Uint8Array): Promise<unknown> {
  // the errors of both readers may quote what they read
  let text: Buffer;
  try {
    text = await promisify(gunzip)(packed, { maxOutputLength: archiveBytesMax });
  } catch (error) {
    const isLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw new ArchiveDamagedError(
      isLarge ? tooLarge : "the archive is not compressed as it must be",
    );
  }
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    throw new ArchiveDamagedError("the archive is no JSON");
  }
}

const tooLarge = `the files that openshift-install made are more than ${archiveBytesMax} bytes`;
