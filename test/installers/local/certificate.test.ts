/** Certificates, as another implementation reads them (that of node:crypto), or byte for byte where it shows too little. */
import "reflect-metadata";
import { SubjectKeyIdentifierExtension, X509CertificateGenerator } from "@peculiar/x509";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
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
  return { key, certificate: await issueAuthority(key, { now: at, random: systemRandom }) };
}

function hexOf(certificate: string): string {
  return new X509Certificate(certificate).raw.toString("hex");
}

/** Encoded extensions (RFC 5280, section 4.2.1): identifier, `0101ff` if critical, value. */
const encoded = {
  basicConstraintsOfAuthority: "0603551d130101ff040530030101ff",
  basicConstraintsOfClient: "0603551d130101ff04023000",
  // keyCertSign, cRLSign
  keyUsageOfAuthority: "0603551d0f0101ff040403020106",
  // digitalSignature
  keyUsageOfClient: "0603551d0f0101ff040403020780",
};
const subjectKeyIdentifier = /0603551d0e04160414([0-9a-f]{40})/;
const authorityKeyIdentifier = /0603551d23041830168014([0-9a-f]{40})/;

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

  it("may sign certificates and revocation lists, and nothing else", async () => {
    const hex = hexOf((await newAuthority()).certificate);
    expect(hex).toContain(encoded.basicConstraintsOfAuthority);
    expect(hex).toContain(encoded.keyUsageOfAuthority);
    expect(hex).toMatch(subjectKeyIdentifier);
  });

  it.each([
    ["2026-06-01T12:34:56.789Z", "\u0017\u000d260601122956Z\u0017\u000d360529123456Z"],
    ["2039-12-31T23:59:59.999Z", "\u0017\u000d391231235459Z\u0017\u000d491228235959Z"],
    ["2040-01-04T00:00:00.000Z", "\u0017\u000d400103235500Z\u0018\u000f20500101000000Z"],
  ])("issued at %s, writes its times as RFC 5280 asks", async (at, times) => {
    const { certificate } = await newAuthority(Date.parse(at));
    expect(new X509Certificate(certificate).raw.toString("latin1")).toContain(times);
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
      const { serialNumber } = new X509Certificate(await issueAuthority(key, { now, random }));
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

  it("may sign as a client, and names the keys of its subject and its authority", async () => {
    const authority = await newAuthority();
    const { certificate } = await issueAdmin(authority, { now, random: systemRandom });
    const [hex, hexOfAuthority] = [hexOf(certificate), hexOf(authority.certificate)];
    expect(hex).toContain(encoded.basicConstraintsOfClient);
    expect(hex).toContain(encoded.keyUsageOfClient);
    const issuerKey = subjectKeyIdentifier.exec(hexOfAuthority)?.[1];
    expect(authorityKeyIdentifier.exec(hex)?.[1]).toBe(issuerKey);
    expect(subjectKeyIdentifier.exec(hex)?.[1]).toMatch(/^[0-9a-f]{40}$/);
    expect(subjectKeyIdentifier.exec(hex)?.[1]).not.toBe(issuerKey);
  });

  it("takes name and key identifier from its authority's certificate, whoever wrote that", async () => {
    const { key } = await newAuthority();
    const [algorithm, publicUsage] = [{ name: "ECDSA", namedCurve: "P-256" }, ["verify"]] as const;
    const written = await X509CertificateGenerator.create({
      subject: [{ CN: ["another"] }],
      issuer: [{ CN: ["another"] }],
      publicKey: createPublicKey(key).toCryptoKey(algorithm, true, publicUsage),
      signingKey: createPrivateKey(key).toCryptoKey(algorithm, false, ["sign"]),
      notAfter: new Date(now + day),
      extensions: [new SubjectKeyIdentifierExtension("0123456789")],
    });
    const authority = { key, certificate: written.toString("pem") };
    const { certificate } = await issueAdmin(authority, { now, random: systemRandom });
    const [read, issuer] = [certificate, authority.certificate].map(
      (pem) => new X509Certificate(pem),
    );
    expect(read?.issuer).toBe("CN=another");
    expect(hexOf(certificate)).toContain("0603551d230409300780050123456789");
    expect(issuer && read?.verify(issuer.publicKey)).toBe(true);
    expect(read?.validTo).toBe(issuer?.validTo);
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
