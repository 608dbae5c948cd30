/** The SSH key pair: OpenSSH's formats, and two halves that belong together. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import sshpk from "sshpk";
import { describe, expect, it } from "vitest";
import { generateSshKey, sshPublicKey } from "../../src/installers/sshKey.ts";

/** What stands before the 32 bytes of an Ed25519 private key in PKCS 8. */
const privateKeyHead = Buffer.from("302e020100300506032b657004220420", "hex");

/** Read by hand: the library drops a zero at the beginning of one when it writes PKCS 8. */
function privateHalf(privateKey: string, publicLine: string): KeyObject {
  const file = Buffer.from(privateKey.replaceAll(/-----.*-----|\n/g, ""), "base64");
  const publicKey = Buffer.from(publicLine.split(" ")[1] ?? "", "base64").subarray(-32);
  const at = file.lastIndexOf(publicKey);
  const key = Buffer.concat([privateKeyHead, file.subarray(at - 32, at)]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

describe("the SSH key", () => {
  it("is a private key in OpenSSH's format whose public half is the noted line", async () => {
    const privateKey = await generateSshKey();
    const line = sshPublicKey(privateKey);
    expect(privateKey).toMatch(
      /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=]{1,70}\n)+-----END OPENSSH PRIVATE KEY-----\n$/,
    );
    expect(line).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+ core$/);

    const message = Buffer.from("is it the same pair?");
    const one = privateHalf(privateKey, line);
    const other = createPublicKey(sshpk.parseKey(line, "ssh").toString("pkcs8"));
    expect(verify(null, message, other, sign(null, message, one))).toBe(true);
  });

  it("is laid out as OpenSSH's PROTOCOL.key says", async () => {
    const privateKey = await generateSshKey();
    const file = Buffer.from(privateKey.replaceAll(/-----.*-----|\n/g, ""), "base64");
    const magic = Buffer.from("openssh-key-v1\0");
    expect(file.subarray(0, magic.length)).toEqual(magic);
    let at = magic.length;
    const next = (): Buffer => {
      const length = file.readUInt32BE(at);
      at += 4 + length;
      return file.subarray(at - length, at);
    };
    expect([next(), next(), next()].map(String)).toEqual(["none", "none", ""]);
    expect(file.readUInt32BE(at)).toBe(1);
    at += 4;
    const publicKey = next();
    expect(sshPublicKey(privateKey)).toContain(publicKey.toString("base64"));
    const secretPart = next();
    expect(at).toBe(file.length);
    expect(secretPart.length % 8).toBe(0);
    expect(secretPart.readUInt32BE(0)).toBe(secretPart.readUInt32BE(4));
    expect(secretPart.includes(publicKey)).toBe(true);
  });

  it("differs each time", async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => generateSshKey()));
    expect(new Set(keys.map(sshPublicKey)).size).toBe(10);
  });
});
