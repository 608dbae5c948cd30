/**
 * The certificate and key of the server and the authorities of its callers, as files: read at the start, and again when they
 * change, since whoever renews them does not restart the program. What is wrong with them then is logged, and the last good
 * ones stay. No content of a file may get into an error or the log.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { TlsFiles } from "./authenticationSettings.ts";

/** What is wrong with the files: a line for each fault, which names the setting. */
export class TlsFilesError extends Error {
  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.name = "TlsFilesError";
  }
}

/** What the server shows of itself: a certificate with those that lead to its authority, and its key, as PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** What one listener shows and asks for in handshakes, always as it is now. */
export interface ListenerTls {
  readonly identity: TlsIdentity;
  /**
   * Those by which the chain of a caller's certificate is judged, as PEM. Callers are told their names, and many show no
   * certificate of any other; empty: no chain is judged and no name told.
   */
  readonly authorities: string;
  /** From now on it is told of every change. */
  onChanged(listener: () => void): void;
}

interface Contents {
  readonly identity: TlsIdentity;
  /** As PEM; empty without a file of them. */
  readonly authorities: string;
}

/** Files replaced by links that are swapped tell nobody, so they are read again and again. */
const lookMs = 10_000;
/** Any right of others, and to write of the group. */
const foreignRights = 0o037;
const toldAheadMs = 7 * 24 * 3_600_000;

export class TlsCredentials implements ListenerTls {
  readonly #files: TlsFiles;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners: (() => void)[] = [];
  #contents: Contents;
  #toldFault = "";
  #toldEnd = "";

  private constructor(
    contents: Contents,
    { files, clock, log }: { readonly files: TlsFiles; readonly clock: Clock; readonly log: Log },
  ) {
    this.#contents = contents;
    this.#files = files;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws {TlsFilesError} when one of them is missing or of no use now. */
  static async read(
    files: TlsFiles,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ): Promise<TlsCredentials> {
    const credentials = new TlsCredentials(await readContents(files, clock), { files, clock, log });
    await credentials.#tellRights();
    return credentials;
  }

  get identity(): TlsIdentity {
    return this.#contents.identity;
  }

  get authorities(): string {
    return this.#contents.authorities;
  }

  onChanged(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The same for a listener whose callers are recognised by something else than their chain. */
  withoutAuthorities(): ListenerTls {
    const identity = (): TlsIdentity => this.identity;
    return {
      get identity() {
        return identity();
      },
      authorities: "",
      onChanged: (listener) => this.onChanged(listener),
    };
  }

  /** Looks after the files until the signal is aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(lookMs, signal);
      } catch {
        return;
      }
      await this.#look();
    }
  }

  /** Once for each certificate, while there is time to renew it. */
  #tellEnd(contents: Contents): void {
    const notAfter = notAfterOf(contents);
    if (notAfter === this.#toldEnd || Date.parse(notAfter) - this.#clock.now() > toldAheadMs)
      return;
    this.#toldEnd = notAfter;
    this.#log.warn({ notAfter }, "the certificate of the server ends soon");
  }

  /** One that fails keeps nothing from the others. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#log.error({ error }, "a listener could not take up the certificates that have changed");
    }
  }

  /** Others may own the file and need it besides, so this is no reason to refuse it. */
  async #tellRights(): Promise<void> {
    let mode: number;
    try {
      ({ mode } = await stat(this.#files.keyFile));
    } catch {
      // it was there just now: the next look tells what is wrong
      return;
    }
    if ((mode & foreignRights) === 0) return;
    this.#log.warn(
      { mode: (mode & 0o777).toString(8) },
      "TLS_KEY_FILE: others than its owner and its group's readers have rights to the key of the server",
    );
  }

  async #look(): Promise<void> {
    try {
      const contents = await readContents(this.#files, this.#clock);
      this.#toldFault = "";
      this.#tellEnd(contents);
      if (isSame(contents, this.#contents)) return;
      this.#contents = contents;
      for (const listener of this.#listeners) this.#tell(listener);
      await this.#tellRights();
      this.#log.info(
        { notAfter: notAfterOf(contents) },
        "the certificates have changed; new connections use them",
      );
    } catch (error) {
      if (!(error instanceof TlsFilesError)) {
        // the next look may go better; without any, certificates would end one day
        this.#log.error({ error }, "looking at the files of certificates failed");
        return;
      }
      // also while one of two files has been written and the other has not
      if (error.message === this.#toldFault) return;
      this.#toldFault = error.message;
      this.#log.warn(
        { reason: error.message, notAfter: notAfterOf(this.#contents) },
        "the files of certificates are of no use now; what was read before stays",
      );
    }
  }
}

function isSame(one: Contents, other: Contents): boolean {
  return (
    one.identity.cert === other.identity.cert &&
    one.identity.key === other.identity.key &&
    one.authorities === other.authorities
  );
}

function notAfterOf({ identity }: Contents): string {
  return new X509Certificate(identity.cert).validToDate.toISOString();
}

async function readContents(files: TlsFiles, clock: Clock): Promise<Contents> {
  const faults: string[] = [];
  const textOf = async (variable: string, path: string): Promise<string | undefined> => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "an unknown error";
      faults.push(`${variable}: the file cannot be read (${code})`);
      return undefined;
    }
  };
  const [cert, key, authorities] = await Promise.all([
    textOf("TLS_CERT_FILE", files.certFile),
    textOf("TLS_KEY_FILE", files.keyFile),
    files.clientCaFile === undefined ? "" : textOf("CLIENT_CA_FILE", files.clientCaFile),
  ]);
  const now = clock.now();
  const certificate = cert === undefined ? undefined : judgeCertificate(cert, now, faults);
  const privateKey = key === undefined ? undefined : judgeKey(key, faults);
  if (files.clientCaFile !== undefined && authorities !== undefined) {
    judgeAuthorities(authorities, now, faults);
  }
  if (certificate !== undefined && privateKey?.asymmetricKeyType !== undefined) {
    if (!certificate.checkPrivateKey(privateKey)) {
      faults.push("TLS_KEY_FILE: the key is not that of the certificate in TLS_CERT_FILE");
    }
  }
  if (faults.length === 0 && cert !== undefined && key !== undefined && authorities !== undefined) {
    try {
      createSecureContext({ cert, key, ...(authorities === "" ? {} : { ca: authorities }) });
      return { identity: { cert, key }, authorities };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "an unknown error";
      faults.push(`TLS_CERT_FILE: TLS cannot use the certificate and its key (${code})`);
    }
  }
  throw new TlsFilesError(faults);
}

function judgeCertificate(pem: string, now: number, faults: string[]): X509Certificate | undefined {
  const [certificate] = certificatesIn(pem);
  if (certificate === undefined) {
    faults.push("TLS_CERT_FILE: there is no certificate in the file, as PEM");
    return undefined;
  }
  const fault = validityFault(certificate, now);
  if (fault !== undefined) faults.push(`TLS_CERT_FILE: the certificate ${fault}`);
  return certificate;
}

function judgeKey(pem: string, faults: string[]): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    faults.push("TLS_KEY_FILE: there is no private key in the file, as PEM and not encrypted");
    return undefined;
  }
}

function judgeAuthorities(pem: string, now: number, faults: string[]): void {
  const certificates = certificatesIn(pem);
  if (certificates.length === 0) {
    faults.push("CLIENT_CA_FILE: there is no certificate in the file, as PEM");
  } else if (!certificates.every(({ ca }) => ca)) {
    faults.push("CLIENT_CA_FILE: not every certificate in the file is an authority's");
  } else if (certificates.every((each) => validityFault(each, now) !== undefined)) {
    faults.push("CLIENT_CA_FILE: no certificate in the file is valid now");
  }
}

const pemForm = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** None if one of them cannot be read, as half of them would lock callers out. */
function certificatesIn(pem: string): readonly X509Certificate[] {
  try {
    return (pem.match(pemForm) ?? []).map((text) => new X509Certificate(text));
  } catch {
    return [];
  }
}

/** What is wrong with the time of a certificate, as the end of a sentence. */
export function validityFault(
  { validFromDate, validToDate }: X509Certificate,
  now: number,
): string | undefined {
  if (now < validFromDate.getTime()) return `is valid only from ${validFromDate.toISOString()}`;
  if (now > validToDate.getTime()) return `was valid until ${validToDate.toISOString()}`;
  return undefined;
}
