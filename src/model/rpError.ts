/**
 * What can go wrong, as values: `RpError` is an answer to a caller, `TerminalError` ends an operation, `TransientError`
 * is a failure for now. Every other thrown value is a defect (500) in the frontend, and in the backend a failure for now too,
 * whose text no user sees. None of the three may ever carry a secret: their messages reach users and logs.
 */
import { errorCodes, type ErrorCode } from "./errorCodes.ts";

/** One fault of a request. `target` is a JSON path of the body such as `properties.workerProfiles[0].count`. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly target?: string;
}

/** An error that is answered to the caller in ARM's shape (ARM-92); its status is the catalogue's. */
export class RpError extends Error {
  readonly code: ErrorCode;
  readonly target: string | undefined;
  readonly details: readonly Fault[];
  readonly retryAfterSeconds: number | undefined;
  /** More headers of the answer, such as `Allow`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    fault: Fault,
    options: {
      readonly details?: readonly Fault[];
      readonly retryAfterSeconds?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(fault.message, { cause: options.cause });
    this.name = "RpError";
    this.code = fault.code;
    this.target = fault.target;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
  }

  /** Code, message and target. */
  get fault(): Fault {
    return {
      code: this.code,
      message: this.message,
      ...(this.target === undefined ? {} : { target: this.target }),
    };
  }

  /** The HTTP status of the code. */
  get status(): number {
    return errorCodes[this.code].status;
  }

  /**
   * Several faults as one error: the first one's code and message outside, each with its own in `details`
   * (decision 20). `faults` must not be empty.
   */
  static ofFaults(faults: readonly Fault[]): RpError {
    const [first, ...more] = faults;
    if (first === undefined) throw new TypeError("an error needs at least one fault");
    if (more.length === 0) return new RpError(first);
    return new RpError(
      {
        code: first.code,
        message: `The request has ${faults.length} faults; see details. The first: ${first.message}`,
        ...(first.target === undefined ? {} : { target: first.target }),
      },
      { details: faults },
    );
  }
}

/** The reason why an operation ended `Failed` or `Canceled`, as stored in its record and shown to users. */
export interface OperationError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Thrown by an installer's step when trying again cannot help: the operation ends `Failed` with this reason. */
export class TerminalError extends Error {
  readonly code: ErrorCode;

  constructor(reason: OperationError, options: { readonly cause?: unknown } = {}) {
    super(reason.message, options);
    this.name = "TerminalError";
    this.code = reason.code;
  }
}

/**
 * Thrown by an installer's step that failed for now: it is tried again. Its message is meant for users, as that of any other error
 * isn't; once there were too many attempts it is the reason of the operation.
 */
export class TransientError extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = "TransientError";
  }
}
