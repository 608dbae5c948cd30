/**
 * What ties a line of the log to the request or operation it is about. It goes along with the calls that are made for somebody, for
 * what an adapter has to say of them, and must never decide anything.
 */

/** Members of such a line: `requestId`, `correlationId`, `traceId`, `operationId` and other ids. Never a secret or a person's name. */
export type LogIds = Readonly<Record<string, unknown>>;
