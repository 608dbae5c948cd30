/**
 * Who calls, as ARM says in a header (ARM-102, ARM-103): kept with the resource exactly as received. The values are
 * personal data; nothing here logs them, and a header that can't be read is only counted as absent.
 */
import type { SystemData } from "../model/cluster.ts";
import type { RequestContext } from "./requestContext.ts";

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
  const text = context.header(headerName);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null) {
    context.log.warn({}, `the header ${headerName} could not be read; it is ignored`);
    return undefined;
  }
  const given = value as Record<string, unknown>;
  return Object.fromEntries(
    members.flatMap((name) => (typeof given[name] === "string" ? [[name, given[name]]] : [])),
  );
}
