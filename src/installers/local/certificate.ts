/**
 * X.509 certificates of a cluster: its own authority and the administrator's client certificate (RFC 5280), over P-256. It
 * must never issue one that outlives its issuer, or take time and serial numbers from elsewhere than its arguments.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import type { EpochMs } from "../../model/document.ts";
import type { Random } from "../../runtime/ids.ts";
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  trueValue,
  utf8String,
  type Der,
} from "./der.ts";

/** A certificate and the key of its subject, both PEM (the key in PKCS 8). */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly now: EpochMs;
  readonly random: Random;
}

type DistinguishedName = readonly (readonly [attribute: string, value: string])[];

const oid = {
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  clientAuthentication: "1.3.6.1.5.5.7.3.2",
} as const;

const authorityName: DistinguishedName = [
  [oid.organizationalUnit, "openshift"],
  [oid.commonName, "root-ca"],
];
/** The API server takes the organization as group and the common name as user. */
const adminName: DistinguishedName = [
  [oid.organization, "system:masters"],
  [oid.commonName, "system:admin"],
];

/** As it is written. */
const version3 = 2;
const lifetimeMs = 10 * 365 * 24 * 60 * 60 * 1000;
/** Valid a little earlier, for machines whose clock is behind. */
const skewMs = 5 * 60 * 1000;

/** A P-256 key, PEM in PKCS 8. The system draws it, off the event loop. */
export async function generateCertificateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The self-signed certificate of an authority's key. Certificates that the key has signed verify against any of them. */
export function issueAuthority(authorityKey: string, options: IssueOptions): string {
  const key = createPrivateKey(authorityKey);
  return issue({
    ...options,
    subject: authorityName,
    subjectKey: key,
    authorityKey: key,
    notAfter: options.now + lifetimeMs,
    extensions: [
      extension(oid.basicConstraints, true, sequence(trueValue())),
      // keyCertSign, cRLSign
      extension(oid.keyUsage, true, bitString(Uint8Array.of(0b0000_0110), 1)),
    ],
  });
}

/** A client certificate with which the cluster's API server takes the holder for its administrator. */
export async function issueAdmin(
  authority: CertifiedKey,
  options: IssueOptions,
): Promise<CertifiedKey> {
  const key = await generateCertificateKey();
  const certificate = issue({
    ...options,
    subject: adminName,
    subjectKey: createPrivateKey(key),
    authorityKey: createPrivateKey(authority.key),
    notAfter: Math.min(
      options.now + lifetimeMs,
      Date.parse(new X509Certificate(authority.certificate).validTo),
    ),
    extensions: [
      extension(oid.basicConstraints, true, sequence()),
      // digitalSignature
      extension(oid.keyUsage, true, bitString(Uint8Array.of(0b1000_0000), 7)),
      extension(oid.extendedKeyUsage, false, sequence(objectIdentifier(oid.clientAuthentication))),
    ],
  });
  return { certificate, key };
}

function issue(
  options: IssueOptions & {
    readonly subject: DistinguishedName;
    readonly subjectKey: KeyObject;
    readonly authorityKey: KeyObject;
    readonly notAfter: EpochMs;
    readonly extensions: readonly Der[];
  },
): string {
  const subjectKey = publicKeyInfo(options.subjectKey);
  const authorityKey = publicKeyInfo(options.authorityKey);
  const algorithm = sequence(objectIdentifier(oid.ecdsaWithSha256));
  const toBeSigned = sequence(
    explicit(0, integer(Uint8Array.of(version3))),
    integer(serialNumber(options.random)),
    algorithm,
    distinguishedName(authorityName),
    sequence(time(options.now - skewMs), time(options.notAfter)),
    distinguishedName(options.subject),
    subjectKey,
    explicit(
      3,
      sequence(
        ...options.extensions,
        extension(oid.subjectKeyIdentifier, false, octetString(keyIdentifier(subjectKey))),
        extension(
          oid.authorityKeyIdentifier,
          false,
          sequence(implicit(0, keyIdentifier(authorityKey))),
        ),
      ),
    ),
  );
  const signature = sign("sha256", toBeSigned, options.authorityKey);
  const certificate = sequence(toBeSigned, algorithm, bitString(signature));
  // through the system's own reader, so that none which cannot be read is ever stored
  return new X509Certificate(certificate).toString();
}

/** The public half of a private key, as a certificate holds it. */
function publicKeyInfo(privateKey: KeyObject): Der {
  return createPublicKey(privateKey).export({ type: "spki", format: "der" });
}

/** RFC 7093, section 2, method 4: of the whole public key info. */
function keyIdentifier(subjectPublicKeyInfo: Der): Uint8Array {
  return createHash("sha256").update(subjectPublicKeyInfo).digest().subarray(0, 20);
}

/** 126 bits of chance below a leading one: positive, and never shortened. */
function serialNumber(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function distinguishedName(name: DistinguishedName): Der {
  return sequence(
    ...name.map(([attribute, value]) =>
      setOf(sequence(objectIdentifier(attribute), utf8String(value))),
    ),
  );
}

function extension(id: string, critical: boolean, value: Der): Der {
  return sequence(objectIdentifier(id), ...(critical ? [trueValue()] : []), octetString(value));
}
