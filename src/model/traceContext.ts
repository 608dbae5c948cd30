/**
 * The place of a piece of work in a distributed trace, as W3C's Trace Context writes it into `traceparent` and `tracestate`. Pure
 * functions. Whatever a caller sends must never make one fail: a text that is not well-formed is no context.
 */

/** A span that others may be begun below. */
export interface TraceContext {
  /** 32 hexadecimal digits in lower case, not all of them 0. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Whether whoever began the trace records it. */
  readonly isSampled: boolean;
  /** What tracing systems of the caller have to say to each other; well-formed. */
  readonly traceState?: string;
}

/** Version 0 has exactly these parts; a later one may have more after them (section 4.3). */
const traceparentForm =
  /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<more>-.*)?$/;
/** A later version's text is read only up to here. */
const traceparentLengthMax = 256;
const sampledFlag = 1;

/** What has to be carried on at least (section 3.3.1.5); longer ones may be dropped as a whole. */
const traceStateLengthMax = 512;
const traceStateMembersMax = 32;
const traceStateMember =
  /^[a-z0-9][a-z0-9_\-*/]{0,240}(@[a-z][a-z0-9_\-*/]{0,13})?=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** @returns `undefined` when the text is not well-formed; a `tracestate` that isn't is left out by itself. */
export function parseTraceparent(
  traceparent: string | undefined,
  tracestate?: string,
): TraceContext | undefined {
  if (traceparent === undefined || traceparent.length > traceparentLengthMax) return undefined;
  const parts = traceparentForm.exec(traceparent)?.groups;
  if (parts === undefined) return undefined;
  const { version, traceId = "", spanId = "", flags = "", more } = parts;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const traceState = soundTraceState(tracestate);
  return {
    traceId,
    spanId,
    isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0,
    ...(traceState === undefined ? {} : { traceState }),
  };
}

/** The text of a `traceparent`. */
export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

/**
 * The context of a trace that begins here and is not recorded: its id is that of the request or operation, so that whoever has
 * the one has the other.
 *
 * @param guid a version 4 GUID: in both halves there are digits other than 0.
 */
export function traceOf(guid: string): TraceContext {
  const traceId = guid.replaceAll("-", "");
  return { traceId, spanId: traceId.slice(16), isSampled: false };
}

function soundTraceState(text: string | undefined): string | undefined {
  if (text === undefined || text.length > traceStateLengthMax) return undefined;
  const members = text
    .split(",")
    .map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf("="))));
  const isSound =
    members.length > 0 &&
    members.length <= traceStateMembersMax &&
    keys.size === members.length &&
    members.every((member) => traceStateMember.test(member));
  return isSound ? members.join(",") : undefined;
}
