/**
 * How much one caller, and all of them together, may take of a process: the limits as the settings give them. What happens
 * to those who reach one stands where it is held: `listener/` for connections and bodies, `frontend/` for requests.
 */

/** Of connections. */
export interface ConnectionLimits {
  /** Open at once; one more takes the place of the longest idle one, or is closed as it comes. */
  readonly connections: number;
  /** For the request line and all headers. */
  readonly headersTimeoutMs: number;
  /** For the whole request, from its first byte to the last of its body; not less than `headersTimeoutMs`. */
  readonly requestTimeoutMs: number;
  /** Without a request. */
  readonly keepAliveMs: number;
  /** From the end of an answer until its caller has taken all of it. */
  readonly sendTimeoutMs: number;
  /** Of the request line and all headers. */
  readonly headerBytes: number;
}

/** Of requests. */
export interface RequestLimits {
  readonly uriBytes: number;
  /** How many; Node itself leaves out those beyond 2000. */
  readonly headers: number;
  /** From its headers to its answer, in which it has to be committed; at most `deadlineMaxMs`. */
  readonly deadlineMs: number;
  /** Worked on at once by this process. */
  readonly requests: number;
  /** Under way at once for one subscription. */
  readonly subscriptionRequests: number;
}

/** Of bodies. */
export interface BodyLimits {
  /** Of one body, unpacked. */
  readonly bytes: number;
  /** Of all bodies in memory at once; not less than `bytes`. */
  readonly totalBytes: number;
  /** Objects and arrays in each other; at most `depthMax`. */
  readonly depth: number;
  /** Of one array. */
  readonly items: number;
  /** Members and items of the whole body. */
  readonly values: number;
}

/** All of them. */
export interface Limits {
  readonly connection: ConnectionLimits;
  readonly request: RequestLimits;
  readonly body: BodyLimits;
}

/** Whoever removes the clusters of a deleted subscription relies on it: no request that began before commits later. */
export const deadlineMaxMs = 30_000;

/** Deeper than any contract; whoever walks through a body by recursion relies on it. */
export const depthMax = 64;
