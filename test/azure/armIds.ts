/** Ids of Azure Resource Manager, taken apart. It must accept every casing, and keep the one that it was given. */

export interface ArmId {
  /** As it was given. */
  readonly id: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string | undefined;
  readonly namespace: string;
  /** Such as `Microsoft.Network/virtualNetworks/subnets`. */
  readonly type: string;
  /** One for each part of the type. */
  readonly names: readonly string[];
  /** The last of the names. */
  readonly name: string;
  /** What the resource is a child of: another resource, a group or a subscription. */
  readonly parent: string;
  /** Whether `parent` is a resource of the same provider. */
  readonly isChild: boolean;
}

/** All resources of one type below a scope, as they are listed. */
export interface ArmCollection {
  readonly subscriptionId: string;
  readonly type: string;
  /** A resource group, a subscription or a resource. */
  readonly scope: string;
}

export type ArmPath =
  | { readonly kind: "resource"; readonly resource: ArmId }
  | { readonly kind: "collection"; readonly collection: ArmCollection };

const scopePattern = /^\/subscriptions\/([^/]+)(?:\/resourcegroups\/([^/]+))?/i;

/** A resource, or a collection of them; `undefined` when the path has no provider's part. */
export function parseArmPath(path: string): ArmPath | undefined {
  const id = path.replace(/\/$/, "");
  const scope = scopePattern.exec(id);
  const at = id.toLowerCase().lastIndexOf("/providers/");
  const subscriptionId = scope?.[1];
  if (subscriptionId === undefined || at === -1) return undefined;
  const [namespace = "", ...segments] = id.slice(at + "/providers/".length).split("/");
  if (namespace === "" || segments.length === 0 || segments.includes("")) return undefined;
  const types = segments.filter((_, index) => index % 2 === 0);
  const names = segments.filter((_, index) => index % 2 === 1);
  const type = [namespace, ...types].join("/");
  const above = id.slice(0, id.lastIndexOf("/"));
  const outside = id.slice(0, at);
  if (types.length > names.length) {
    const listed = types.length === 1 ? outside : above;
    return { kind: "collection", collection: { subscriptionId, type, scope: listed } };
  }
  return {
    kind: "resource",
    resource: {
      id,
      subscriptionId,
      resourceGroup: scope?.[2],
      namespace,
      type,
      names,
      name: names.at(-1) ?? "",
      parent: types.length === 1 ? outside : above.slice(0, above.lastIndexOf("/")),
      isChild: types.length > 1,
    },
  };
}

/** The resource that an id names; `undefined` when it names none. */
export function parseArmId(id: string): ArmId | undefined {
  const parsed = parseArmPath(id);
  return parsed?.kind === "resource" ? parsed.resource : undefined;
}

/** Ids are the same in every casing. */
export function sameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The id of a resource group. */
export function groupId(subscriptionId: string, name: string): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${name}`;
}
