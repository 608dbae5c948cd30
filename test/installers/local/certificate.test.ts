/** Certificates, as another implementation reads them (that of node:crypto). */
import { createPrivateKey, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  generateCertificateKey,
  issueAdmin,
  issueAuthority,
  type CertifiedKey,
} from "../../../src/installers/local/certificate.ts";
import { systemRandom } from "../../../src/runtime/ids.ts";

const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 5, 1, 12);

async function newAuthority(at = now): Promise<CertifiedKey> {
  const key = await generateCertificateKey();
  return { key, certificate: issueAuthority(key, { now: at, random: systemRandom }) };
}

describe("the authority's certificate", () => {
  it("is self-signed over P-256 and may sign certificates", async () => {
    const { key, certificate } = await newAuthority();
    const read = new X509Certificate(certificate);
    expect(certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(read.subject).toBe("OU=openshift\nCN=root-ca");
    expect(read.issuer).toBe(read.subject);
    expect(read.ca).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkIssued(read)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.publicKey.asymmetricKeyType).toBe("ec");
    expect(read.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it("is valid from a little before now, for ten years, also over the turn to four-digit years", () => {
    const minute = 60 * 1000;
    return fc.assert(
      fc.asyncProperty(
        fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2070, 0) }),
        async (at) => {
          const { certificate } = await newAuthority(at);
          const { validFrom, validTo } = new X509Certificate(certificate);
          const second = Math.floor(at / 1000) * 1000;
          expect(Date.parse(validFrom)).toBe(second - 5 * minute);
          expect(Date.parse(validTo)).toBe(second + 3650 * day);
        },
      ),
      { numRuns: 20, examples: [[Date.UTC(2040, 0, 4)], [Date.UTC(2050, 0, 1)]] },
    );
  });

  it("has a positive serial number of 16 bytes, whatever chance brings", async () => {
    const key = await generateCertificateKey();
    for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
      const random = {
        ...systemRandom,
        bytes: (count: number) => new Uint8Array(count).fill(byte),
      };
      const { serialNumber } = new X509Certificate(issueAuthority(key, { now, random }));
      expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    }
  });
});

describe("the administrator's certificate", () => {
  it("names system:admin of system:masters, for client authentication alone", async () => {
    const authority = await newAuthority();
    const { key, certificate } = await issueAdmin(authority, { now, random: systemRandom });
    const read = new X509Certificate(certificate);
    expect(read.subject).toBe("O=system:masters\nCN=system:admin");
    expect(read.ca).toBe(false);
    expect(read.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.serialNumber).not.toBe(new X509Certificate(authority.certificate).serialNumber);
  });

  it("verifies against its authority and no other", async () => {
    const [authority, other] = [await newAuthority(), await newAuthority()];
    const { certificate } = await issueAdmin(authority, { now, random: systemRandom });
    const read = new X509Certificate(certificate);
    expect(read.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
    expect(read.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    // the name is the same, the key identifier is not
    expect(read.checkIssued(new X509Certificate(other.certificate))).toBe(false);
    expect(read.verify(new X509Certificate(other.certificate).publicKey)).toBe(false);
  });

  it("doesn't outlive its authority", async () => {
    const authority = await newAuthority();
    const { certificate } = await issueAdmin(authority, { now: now + day, random: systemRandom });
    expect(new X509Certificate(certificate).validTo).toBe(
      new X509Certificate(authority.certificate).validTo,
    );
  });
});
