/**
 * X.509 certificates of a cluster: its own authority and the administrator's client certificate (RFC 5280), over P-256. It
 * must never issue one that outlives its issuer, or take time and serial numbers from elsewhere than its arguments.
 */
// first: the library needs it at its own import
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
  type JsonName,
  type Name,
} from "@peculiar/x509";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  X509Certificate as ReadCertificate,
} from "node:crypto";
import { promisify } from "node:util";
import type { EpochMs } from "../../model/document.ts";
import type { Random } from "../../runtime/ids.ts";

/** A certificate and the key of its subject, both PEM (the key in PKCS 8). */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly now: EpochMs;
  readonly random: Random;
}

const authorityName: JsonName = [{ OU: ["openshift"] }, { CN: ["root-ca"] }];
/** The API server takes the organization as group and the common name as user. */
const adminName: JsonName = [{ O: ["system:masters"] }, { CN: ["system:admin"] }];

const lifetimeMs = 10 * 365 * 24 * 60 * 60 * 1000;
/** Valid a little earlier, for machines whose clock is behind. */
const skewMs = 5 * 60 * 1000;

/** A P-256 key, PEM in PKCS 8. The system draws it, off the event loop. */
export async function generateCertificateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The self-signed certificate of an authority's key. Certificates that the key has signed verify against any of them. */
export async function issueAuthority(authorityKey: string, options: IssueOptions): Promise<string> {
  return await issue({
    ...options,
    subject: authorityName,
    subjectKey: authorityKey,
    issuer: authorityName,
    issuerKey: authorityKey,
    notAfter: options.now + lifetimeMs,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
}

/** A client certificate with which the cluster's API server takes the holder for its administrator. */
export async function issueAdmin(
  authority: CertifiedKey,
  options: IssueOptions,
): Promise<CertifiedKey> {
  const key = await generateCertificateKey();
  const issuer = new X509Certificate(authority.certificate);
  // as it is written there, not computed again: both have to be the same
  const issuerKeyId = issuer.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  const certificate = await issue({
    ...options,
    subject: adminName,
    subjectKey: key,
    issuer: issuer.subjectName,
    issuerKey: authority.key,
    notAfter: Math.min(options.now + lifetimeMs, issuer.notAfter.getTime()),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      ...(issuerKeyId === undefined ? [] : [new AuthorityKeyIdentifierExtension(issuerKeyId)]),
    ],
  });
  return { certificate, key };
}

async function issue(
  options: IssueOptions & {
    readonly subject: JsonName;
    readonly subjectKey: string;
    readonly issuer: JsonName | Name;
    readonly issuerKey: string;
    readonly notAfter: EpochMs;
    readonly extensions: readonly Extension[];
  },
): Promise<string> {
  const { subject, subjectKey, issuer, issuerKey, now, notAfter, random, extensions } = options;
  const publicKey = createPublicKey(subjectKey).export({ type: "spki", format: "der" });
  const issued = await X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject,
    publicKey,
    issuer,
    signingKey: createPrivateKey(issuerKey).toCryptoKey(
      { name: "ECDSA", namedCurve: "P-256" },
      false,
      ["sign"],
    ),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    notBefore: new Date(now - skewMs),
    notAfter: new Date(notAfter),
    extensions: [...extensions, await SubjectKeyIdentifierExtension.create(publicKey)],
  });
  // through the system's own reader, so that none which cannot be read is ever stored
  return new ReadCertificate(Buffer.from(issued.rawData)).toString();
}

/** Hexadecimal; 126 bits of chance below a leading one: positive, and never shortened. */
function serialNumber(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}
