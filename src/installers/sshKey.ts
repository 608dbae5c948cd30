/**
 * The SSH key pair of a cluster's machines: Ed25519, in the forms that OpenSSH reads. It must never make a new pair where
 * one is stored: the machines know only the first.
 */
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import sshpk from "sshpk";

/** The user of all machines. */
const comment = "core";

/** @returns the private key in OpenSSH's own format. The system draws it, off the event loop. */
export async function generateSshKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("ed25519");
  const key = sshpk.parsePrivateKey(
    privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    "pkcs8",
  );
  key.comment = comment;
  return key.toString("openssh");
}

/** The line for `authorized_keys` that belongs to a private key of `generateSshKey`. */
export function sshPublicKey(privateKey: string): string {
  return sshpk.parsePrivateKey(privateKey, "openssh").toPublic().toString("ssh");
}
