/**
 * What a part of the stand-in for Azure is: something that answers some of the requests. A service must never write to the
 * connection itself, so that faults and hooks see every request and every answer.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../src/runtime/clock.ts";
import type { TestAuthority } from "../listener/testAuthority.ts";
import type { AzureState } from "./azureState.ts";
import type { StorageAccountKeys } from "./storageAccountKeys.ts";

export interface AzureRequest {
  /** In capitals. */
  readonly method: string;
  /** Whole, with the stand-in's own address. */
  readonly url: URL;
  /** Names in small letters. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** DER of the certificate that the caller showed; nobody has verified it. */
  readonly clientCertificate?: Buffer;
}

export interface AzureAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON; text and bytes as they are, with the `content-type` of `headers`. */
  readonly body?: object | Buffer | string;
  /** Called once the answer is on its way: for what goes on in the background. */
  readonly afterSent?: () => void;
}

export interface AzureService {
  /** `undefined` leaves the request to the next service. */
  handle(request: AzureRequest): Promise<AzureAnswer | undefined>;
}

/** What all services of one stand-in have in common. */
export interface AzureSurroundings {
  readonly state: AzureState;
  readonly accountKeys: StorageAccountKeys;
  readonly clock: Clock;
  /** Where the stand-in listens, such as `https://127.0.0.1:34567`, without a slash at its end. */
  readonly url: string;
  /** Whoever is to believe the stand-in trusts this authority. */
  readonly authority: TestAuthority;
  /** How long what Azure does in the background takes. */
  readonly operationMs: number;
  /** From the last of its machines until a cluster is complete. */
  readonly clusterReadyMs: number;
  /** Aborted when the stand-in stops: for everything in the background. */
  readonly stopped: AbortSignal;
}

/** An error as Azure Resource Manager answers it. It must be thrown by services only while they handle a request. */
export class AzureError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly details: readonly object[] | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    more: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly details?: readonly object[];
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.details = more.details;
  }

  /** The inner object: `code`, `message` and the errors below it. */
  get error(): { readonly code: string; readonly message: string; readonly details?: object[] } {
    return {
      code: this.code,
      message: this.message,
      ...(this.details === undefined ? {} : { details: [...this.details] }),
    };
  }

  answer(): AzureAnswer {
    return { status: this.status, headers: this.headers, body: { error: this.error } };
  }
}
