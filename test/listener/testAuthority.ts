/** A certificate authority of the tests: makes certificates of every kind, right and wrong, with keys of their own. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type Extension,
  type JsonName,
  type Name,
  type X509Certificate,
} from "@peculiar/x509";

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly subject: JsonName | Name;
  /** From an hour ago unless given. */
  readonly notBefore?: Date;
  /** In an hour unless given. */
  readonly notAfter?: Date;
  readonly purpose?: "client" | "server" | "authority";
}

const hourMs = 3_600_000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

function newKeys() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    pem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKey: privateKey.toCryptoKey(algorithm, true, ["sign"]),
    publicKey: publicKey.toCryptoKey(algorithm, true, ["verify"]),
  };
}

function extensionsFor(purpose: IssueOptions["purpose"]): Extension[] {
  if (purpose === "authority") return [new BasicConstraintsExtension(true, undefined, true)];
  const usage = purpose === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
  return [
    new BasicConstraintsExtension(false),
    new ExtendedKeyUsageExtension([usage]),
    ...(purpose === "server"
      ? [
          new SubjectAlternativeNameExtension([
            { type: "dns", value: "localhost" },
            { type: "ip", value: "127.0.0.1" },
          ]),
        ]
      : []),
  ];
}

export class TestAuthority {
  readonly #certificate: X509Certificate;
  readonly #keys: ReturnType<typeof newKeys>;

  private constructor(certificate: X509Certificate, keys: ReturnType<typeof newKeys>) {
    this.#certificate = certificate;
    this.#keys = keys;
  }

  /** One that signs itself. */
  static async create(
    options: IssueOptions = { subject: [{ CN: ["test authority"] }], purpose: "authority" },
  ): Promise<TestAuthority> {
    const keys = newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: randomBytes(8).toString("hex"),
      name: options.subject,
      keys,
      signingAlgorithm: algorithm,
      notBefore: options.notBefore ?? new Date(Date.now() - hourMs),
      notAfter: options.notAfter ?? new Date(Date.now() + hourMs),
      extensions: extensionsFor(options.purpose),
    });
    return new TestAuthority(certificate, keys);
  }

  get identity(): Identity {
    return { cert: this.#certificate.toString("pem"), key: this.#keys.pem };
  }

  get cert(): string {
    return this.identity.cert;
  }

  async issue(options: IssueOptions): Promise<Identity> {
    return (await this.authorityOf(options)).identity;
  }

  /** What it issues may issue others, rightly or not. */
  async authorityOf(options: IssueOptions): Promise<TestAuthority> {
    const keys = newKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: randomBytes(8).toString("hex"),
      subject: options.subject,
      issuer: this.#certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: options.notBefore ?? new Date(Date.now() - hourMs),
      notAfter: options.notAfter ?? new Date(Date.now() + hourMs),
      extensions: extensionsFor(options.purpose),
    });
    return new TestAuthority(certificate, keys);
  }
}

/** Writes the files of a server into a folder, and says where they are. */
export function writeTlsFiles(folder: string, identity: Identity, authorities?: string) {
  const files = {
    certFile: join(folder, "server.crt"),
    keyFile: join(folder, "server.key"),
    clientCaFile: join(folder, "clients.crt"),
  };
  writeFileSync(files.certFile, identity.cert);
  writeFileSync(files.keyFile, identity.key, { mode: 0o600 });
  if (authorities !== undefined) writeFileSync(files.clientCaFile, authorities);
  return files;
}
