/**
 * What the listeners of a process know about their callers, opened as the settings say: an authenticator for each, and the
 * certificates that they share. It decides nothing itself.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { ArmCertificates, type Fetch } from "./armCertificates.ts";
import type { ListenerAuth, TlsFiles } from "./authenticationSettings.ts";
import type { Authenticator } from "./authenticator.ts";
import { clientCertificates } from "./clientCertificates.ts";
import { loopbackCallers } from "./loopbackCallers.ts";
import { TlsCredentials, type ListenerTls } from "./tlsCredentials.ts";

/** How one listener recognises its callers. */
export interface ListenerSecurity {
  readonly authenticator: Authenticator;
  /** Absent: HTTP without TLS. */
  readonly tls?: ListenerTls | undefined;
}

export interface AuthenticationOptions {
  /** Those of the listeners that there are. */
  readonly auths: readonly ListenerAuth[];
  readonly tls: TlsFiles | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: Fetch;
}

export class Authentication {
  readonly #clock: Clock;
  readonly #credentials: TlsCredentials | undefined;
  readonly #arm: ArmCertificates | undefined;

  private constructor(
    clock: Clock,
    credentials: TlsCredentials | undefined,
    arm: ArmCertificates | undefined,
  ) {
    this.#clock = clock;
    this.#credentials = credentials;
    this.#arm = arm;
  }

  /** @throws {TlsFilesError} when certificate, key or authorities are missing or of no use now. */
  static async open(options: AuthenticationOptions): Promise<Authentication> {
    const { auths, tls, clock, log, fetch } = options;
    const needsTls = auths.some(({ kind }) => kind !== "none");
    const credentials =
      tls === undefined || !needsTls ? undefined : await TlsCredentials.read(tls, { clock, log });
    const arm = auths.find(({ kind }) => kind === "arm");
    return new Authentication(
      clock,
      credentials,
      arm?.kind === "arm"
        ? new ArmCertificates({ metadataUrl: arm.metadataUrl, fetch, clock, log })
        : undefined,
    );
  }

  /** @throws {TypeError} for one that it was not opened for. */
  of(auth: ListenerAuth): ListenerSecurity {
    if (auth.kind === "none") return { authenticator: loopbackCallers };
    const [tls, arm] = [this.#credentials, this.#arm];
    if (tls === undefined) throw new TypeError("there are no certificates for the listener");
    if (auth.kind === "arm") {
      if (arm === undefined) throw new TypeError("the certificates of ARM are not fetched");
      // the operators' authorities are none of ARM's; named in the handshake, they would keep its certificate back
      return { authenticator: arm, tls: tls.withoutAuthorities() };
    }
    const { subject } = auth;
    return {
      authenticator: clientCertificates({ subject, credentials: tls, clock: this.#clock }),
      tls,
    };
  }

  /** @throws {Error} while it is not known who may be let in. */
  async checkReady(): Promise<void> {
    if (this.#arm?.isReady === false) throw new Error("the certificates of ARM are not known");
  }

  /** Keeps the certificates fresh until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#credentials?.watch(signal), this.#arm?.run(signal)]);
  }
}
