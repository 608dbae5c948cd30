/**
 * The path and query of a request, taken apart once. Matching regardless of case happens on its segments; the caller's
 * own casing is kept in them. It must never throw anything but an answer to the caller, whatever the bytes.
 */
import { RpError, type Fault } from "../model/rpError.ts";
import {
  clusterType,
  foldCase,
  isGuid,
  isResourceGroupName,
  providerNamespace,
} from "../model/resourceId.ts";
import { shown } from "../model/shownText.ts";

/** A request's target. */
export interface RequestPath {
  /** As received, without the query and with one leading slash: for the log. */
  readonly path: string;
  /** Percent-decoded, in the caller's casing; a trailing slash gives none (ARM-12). */
  readonly segments: readonly string[];
  /** The same with their case folded: what routes are found by. */
  readonly names: readonly string[];
  /** Those as one path: what a fixed path is compared with. */
  readonly foldedPath: string;
  readonly query: URLSearchParams;
  /** The values of the query's `api-version`, a key in any case: one, unless something is wrong with the request. */
  readonly apiVersions: readonly string[];
}

/**
 * @param url the request target as the HTTP parser gives it.
 * @throws {RpError} `InvalidUri` when a percent-escape is malformed.
 */
export function parseRequestPath(url: string): RequestPath {
  const queryStart = url.indexOf("?");
  const rawPath = queryStart < 0 ? url : url.slice(0, queryStart);
  // an absolute target (`GET http://host/path`) is legal HTTP; doubled slashes come from Microsoft's own SDK (decision 13)
  const path = rawPath.replace(/^https?:\/\/[^/]*/i, "").replace(/^\/*/, "/");
  const query = new URLSearchParams(queryStart < 0 ? "" : url.slice(queryStart + 1));
  const segments = segmentsOf(withoutTrailingSlashes(path.slice(1)));
  const names = segments.map(foldCase);
  const foldedPath = `/${names.join("/")}`;
  return { path, segments, names, foldedPath, query, apiVersions: apiVersionsIn(query) };
}

/** By hand: a pattern begins anew at each of many slashes, by which anybody, let in or not, could hold the process. */
function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}

/** @throws {RpError} `InvalidUri` */
function segmentsOf(raw: string): readonly string[] {
  if (raw === "") return [];
  const segments = raw.split("/");
  if (!raw.includes("%")) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    throw new RpError({
      code: "InvalidUri",
      message: "The path of the request has a malformed percent-escape.",
    });
  }
}

function apiVersionsIn(query: URLSearchParams): readonly string[] {
  const values: string[] = [];
  for (const [name, value] of query) {
    if (foldCase(name) === "api-version") values.push(value.trim());
  }
  return values;
}

/** Whether the path is one that ARM could send; others are no routes of ours whatever their `api-version`. */
export function isArmPath({ names: [first] }: Pick<RequestPath, "names">): boolean {
  return first === "subscriptions" || first === "providers";
}

/** Decision 15: a DNS label of at most 54 characters, the installer's own bound. */
const clusterName = /^[a-z0-9]([a-z0-9-]{0,52}[a-z0-9])?$/i;

/** What may stand where a resource type stands, beside the clusters; in lower case. */
const otherTypes: readonly string[] = [
  "operations",
  "locations",
  "deployments",
  "checknameavailability",
];

/**
 * What is wrong with the names in an ARM path (ARM-08, ARM-09), all of it at once. A path of another form than
 * `/subscriptions/{s}[/resourceGroups/{g}][/providers/{ns}/{type}[/{name}…]]` gets no fault here: it has no route.
 *
 * @param names the segments with their case folded.
 */
export function pathFaults(
  segments: readonly string[],
  names: readonly string[] = segments.map(foldCase),
): readonly Fault[] {
  const faults: Fault[] = [];
  let at = 0;
  if (names[0] === "subscriptions" && segments.length > 1) {
    const subscription = segments[1] ?? "";
    if (!isGuid(subscription)) {
      faults.push({
        code: "InvalidSubscriptionID",
        message: `The subscription id '${shown(subscription)}' is not a GUID.`,
        target: "subscriptionId",
      });
    }
    at = 2;
    if (names[2] === "resourcegroups" && segments.length > 3) {
      const group = segments[3] ?? "";
      if (!isResourceGroupName(group)) {
        faults.push({
          code: "InvalidResourceGroupName",
          message:
            `The resource group name '${shown(group)}' is not allowed: 1 to 90 letters, digits, ` +
            "'-', '_', '(', ')' and '.', not ending in '.'.",
          target: "resourceGroupName",
        });
      }
      at = 4;
    }
  }
  if (names[at] === "providers" && segments.length > at + 1) {
    faults.push(...providerFaults(segments.slice(at + 1), { topLevel: at === 0 }));
  }
  return faults;
}

function providerFaults(
  [namespace = "", type, name]: readonly string[],
  options: { readonly topLevel: boolean },
): Fault[] {
  const faults: Fault[] = [];
  if (foldCase(namespace) !== foldCase(providerNamespace)) {
    faults.push({
      code: "InvalidResourceNamespace",
      message: `The resource namespace '${shown(namespace)}' is not '${providerNamespace}'.`,
    });
  }
  if (type === undefined) return faults;
  const typeName = foldCase(type);
  if (otherTypes.includes(typeName)) return faults;
  if (typeName !== foldCase(clusterType)) {
    faults.push({
      code: "InvalidResourceType",
      message: `The resource type '${shown(type)}' is not '${clusterType}'.`,
    });
  } else if (name !== undefined && !options.topLevel && !clusterName.test(name)) {
    faults.push({
      code: "InvalidResourceName",
      message:
        `The cluster name '${shown(name)}' is not allowed: 1 to 54 letters, digits and '-', ` +
        "beginning and ending with a letter or digit.",
      target: "resourceName",
    });
  }
  return faults;
}
