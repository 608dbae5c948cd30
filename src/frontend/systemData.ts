/**
 * ARM's user, as ARM says in a header (ARM-102, ARM-103): kept with the resource exactly as received, since whoever was let in
 * to call is ARM to us, on a loopback address too. The values are personal data; nothing here logs them, and a header that
 * can't be read is only counted as absent.
 */
import type { SystemData } from "../model/cluster.ts";
import type { RequestContext } from "../listener/requestContext.ts";

const headerName = "x-ms-arm-resource-system-data";
const members = [
  "createdBy",
  "createdByType",
  "createdAt",
  "lastModifiedBy",
  "lastModifiedByType",
  "lastModifiedAt",
] as const satisfies readonly (keyof SystemData)[];

/** What is stored after a write: `created…` stay as they were at creation, `lastModified…` follow the header. */
export function systemDataAfter(
  context: RequestContext,
  stored: { readonly systemData?: SystemData } | undefined,
): SystemData | undefined {
  const given = parse(context);
  if (stored === undefined) return given;
  if (given === undefined) return stored.systemData;
  const { createdBy: _by, createdByType: _byType, createdAt: _at, ...modified } = given;
  return { ...stored.systemData, ...modified };
}

function parse(context: RequestContext): SystemData | undefined {
  const header = context.header(headerName);
  if (header === undefined) return undefined;
  const value = jsonObject(header);
  const given = members.flatMap((name) =>
    typeof value[name] === "string" ? [[name, value[name]]] : [],
  );
  if (given.length > 0) return Object.fromEntries(given) as SystemData;
  context.log.warn({}, `the header ${headerName} could not be read; it is ignored`);
  return undefined;
}

/** An empty one if there is none in the text. */
function jsonObject(header: string): Readonly<Record<string, unknown>> {
  try {
    // Node reads headers byte by byte; ARM writes UTF-8
    const value: unknown = JSON.parse(Buffer.from(header, "latin1").toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch {
    // not JSON
  }
  return {};
}
