/**
 * The SSH key pair of a cluster's machines: Ed25519, in the forms that OpenSSH reads (its documents PROTOCOL.key and
 * RFC 8709). It must never make a new pair where one is stored: the machines know only the first.
 */
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { Random } from "../../runtime/ids.ts";

const algorithm = "ssh-ed25519";
/** The user of all machines. */
const comment = "core";
const magic = "openssh-key-v1\0";
/** That of the cipher `none`. */
const blockSize = 8;
const lineLength = 70;

/** @returns the private key in OpenSSH's own format. The system draws it, off the event loop. */
export async function generateSshKey(random: Random): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("ed25519");
  const { d = "", x = "" } = privateKey.export({ format: "jwk" });
  const [seed, point] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
  const publicKey = Buffer.concat([field(algorithm), field(point)]);
  // twice the same: a reader with the wrong passphrase finds two that differ
  const check = random.bytes(4);
  const secret = Buffer.concat([
    check,
    check,
    publicKey,
    field(Buffer.concat([seed, point])),
    field(comment),
  ]);
  const padding = Uint8Array.from(
    { length: (blockSize - (secret.length % blockSize)) % blockSize },
    (_, index) => index + 1,
  );
  const file = Buffer.concat([
    Buffer.from(magic, "latin1"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(publicKey),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").match(new RegExp(`.{1,${lineLength}}`, "g")) ?? [];
  return [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...lines,
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");
}

/** The line for `authorized_keys` that belongs to a private key of `generateSshKey`. */
export function sshPublicKey(privateKey: string): string {
  const file = Buffer.from(privateKey.replaceAll(/-----.*-----|\s/g, ""), "base64");
  let at = magic.length;
  const next = (): Buffer => {
    const start = at + 4;
    at = start + file.readUInt32BE(at);
    return file.subarray(start, at);
  };
  // cipher, key derivation, its options
  for (let skipped = 0; skipped < 3; skipped += 1) next();
  // the number of keys
  at += 4;
  return `${algorithm} ${next().toString("base64")} ${comment}`;
}

/** Bytes with their length before them. */
function field(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
