/**
 * Preflight of a deployment (ARM-120): would its clusters be accepted, as far as the template says? Foreign types, and values
 * that the template computes (`[parameters('x')]`), are passed over. It writes nothing and looks up nothing.
 */
import {
  clusterResourceId,
  clusterResourceType,
  foldCase,
  type ClusterName,
} from "../../model/resourceId.ts";
import { RpError, type Fault } from "../../model/rpError.ts";
import type { WireObject } from "../../versions/apiVersion.ts";
import { itemPath, touches } from "../../model/jsonPath.ts";
import { errorBody } from "../../listener/errorAnswer.ts";
import { parameter, type ArmExchange, type Handler } from "../exchange.ts";
import { shown } from "../../model/shownText.ts";
import { pathFaults } from "../../listener/requestPath.ts";
import { allFaults } from "../../listener/schemaFaults.ts";

/** More is not said about one deployment. */
const faultsMax = 50;
/** ARM's own limit for a template. */
const resourcesMax = 800;

export const preflight: Handler<ArmExchange> = {
  right: undefined,
  async handle(exchange) {
    const { resources } = exchange.body as { readonly resources: readonly WireObject[] };
    if (resources.length > resourcesMax) {
      throw new RpError({
        code: "InvalidParameter",
        message: `'resources' must have at most ${resourcesMax} items, as many as a template.`,
        target: "resources",
      });
    }
    const faults: Fault[] = [];
    for (const [index, resource] of resources.entries()) {
      const place = itemPath("resources", index);
      for (const { target, ...fault } of resourceFaults(resource, exchange)) {
        faults.push({ ...fault, target: within(place, target) });
      }
      if (faults.length >= faultsMax) break;
    }
    if (faults.length === 0) return { status: 200, body: { status: "Succeeded" } };
    const { fault, details } = RpError.ofFaults(faults);
    return { status: 200, body: { status: "Failed", ...errorBody(fault, details) } };
  },
};

/** The path of a place in a resource, seen from the body of the call. */
function within(place: string, path = ""): string {
  return path === "" || path.startsWith("[") ? `${place}${path}` : `${place}.${path}`;
}

/** What is wrong with a resource, each with the path in it. */
function resourceFaults(resource: WireObject, exchange: ArmExchange): readonly Fault[] {
  const { type, name, apiVersion } = resource;
  if (typeof type !== "string" || foldCase(type) !== foldCase(clusterResourceType)) return [];
  const label = isExpression(name) ? undefined : typeof name === "string" ? name : "";
  const cluster: ClusterName = {
    subscriptionId: parameter(exchange, "subscriptionId"),
    resourceGroup: parameter(exchange, "resourceGroupName"),
    // one that is computed later is as good as any
    name: label ?? "cluster",
  };
  const id = clusterResourceId(cluster);
  // by hand, as a slash in the name would make other segments of it
  const segments = [...id.slice(1).split("/").slice(0, 7), cluster.name];
  const nameFaults = pathFaults(segments).map((fault) => ({ ...fault, target: "name" }));
  if (isExpression(apiVersion)) return nameFaults;
  const served = typeof apiVersion === "string" ? exchange.servedVersion(apiVersion) : undefined;
  if (served === undefined) {
    const supported = exchange.servedVersions.join(", ");
    const reason = reasonAgainst(apiVersion, shown(label || clusterResourceType));
    const message = `${reason}. Supported: ${supported}.`;
    return [...nameFaults, { code: "InvalidApiVersionParameter", message, target: "apiVersion" }];
  }

  const { apiVersion: _version, type: _type, name: _name, ...rest } = resource;
  const members = Object.fromEntries(
    Object.entries(rest).filter(([member]) => !templateMembers.has(member)),
  );
  const computed: string[] = [];
  const body = withoutExpressions(members, "", computed) as WireObject;
  const { faults: ruleFaults } = served.version.readPut(body, undefined, {
    identity: { id, name: cluster.name, type: clusterResourceType },
    location: exchange.services.location,
  });
  // what is missing in a place that is computed, or around one, will be there
  const faults = allFaults(served.schemaFaults(body), ruleFaults).filter(
    ({ target }) => target === undefined || !computed.some((path) => touches(target, path)),
  );
  return [...nameFaults, ...faults];
}

function reasonAgainst(apiVersion: unknown, resource: string): string {
  if (apiVersion === undefined) return `The apiVersion of '${resource}' is missing`;
  if (typeof apiVersion !== "string") return `The apiVersion of '${resource}' must be a string`;
  return `The apiVersion '${shown(apiVersion)}' of '${resource}' is not supported`;
}

/** What a template says about a resource apart from the resource itself. */
const templateMembers: ReadonlySet<string> = new Set([
  "comments",
  "condition",
  "copy",
  "dependsOn",
  "scope",
]);

/** A template's expression: `[…]`, but `[[…` is a text that begins with a bracket. */
function isExpression(value: unknown): boolean {
  return typeof value === "string" && /^\[(?!\[).*\]$/s.test(value);
}

/** The value without what is computed; the paths of that are noted. */
function withoutExpressions(value: unknown, path: string, computed: string[]): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const place = `${path}[${index}]`;
      if (isExpression(item)) {
        // how many items it stands for, nobody knows
        computed.push(path);
        return [];
      }
      return [withoutExpressions(item, place, computed)];
    });
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const place = path === "" ? name : `${path}.${name}`;
      if (isExpression(member)) {
        computed.push(place);
        return [];
      }
      return [[name, withoutExpressions(member, place, computed)]];
    }),
  );
}
