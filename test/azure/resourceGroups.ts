/**
 * Resource groups: their own life, and the deletion of all that is in one. It must leave a group whose resources others still
 * need.
 */
import { groupId, parseArmId, sameId } from "./armIds.ts";
import type { AsyncOperations } from "./asyncOperations.ts";
import { AzureError, type AzureAnswer, type AzureRequest } from "./azureService.ts";
import type { AzureResource, AzureState } from "./azureState.ts";
import type { FaultInjection } from "./faults.ts";
import { parseBody, type ResourceBody } from "./resourceBody.ts";
import { referrersTo } from "./resourceReferences.ts";

export class ResourceGroups {
  readonly #state: AzureState;
  readonly #operations: AsyncOperations;
  readonly #faults: FaultInjection;
  readonly #onGone: (group: string) => void;

  /** @param parts `onGone` is called with the id of a group whose deletion has ended. */
  constructor(parts: {
    readonly state: AzureState;
    readonly operations: AsyncOperations;
    readonly faults: FaultInjection;
    readonly onGone: (group: string) => void;
  }) {
    this.#state = parts.state;
    this.#operations = parts.operations;
    this.#faults = parts.faults;
    this.#onGone = parts.onGone;
  }

  handle({ method, url, body }: AzureRequest): AzureAnswer | undefined {
    const match = /^\/subscriptions\/([^/]+)\/resourcegroups(?:\/([^/]+)(\/resources)?)?$/i.exec(
      url.pathname,
    );
    const subscriptionId = match?.[1];
    if (match === null || subscriptionId === undefined) return undefined;
    const name = match[2];
    if (name === undefined) return method === "GET" ? this.#list(subscriptionId, url) : undefined;
    const id = groupId(subscriptionId, name);
    if (match[3] !== undefined) return method === "GET" ? this.#content(id, name) : undefined;
    switch (method) {
      case "HEAD":
        return { status: this.#state.get(id) === undefined ? 404 : 204 };
      case "GET":
        return { status: 200, body: this.#existing(id, name) };
      case "PUT":
        return this.#put(id, name, parseBody(body));
      case "PATCH":
        return this.#patch(id, name, parseBody(body));
      case "DELETE":
        return this.#delete(id, name, subscriptionId);
      default:
        return undefined;
    }
  }

  #existing(id: string, name: string): AzureResource {
    const group = this.#state.get(id);
    if (group === undefined) {
      throw new AzureError(
        404,
        "ResourceGroupNotFound",
        `Resource group '${name}' could not be found.`,
      );
    }
    return group;
  }

  #list(subscriptionId: string, url: URL): AzureAnswer {
    const start = `/subscriptions/${subscriptionId}/resourcegroups/`.toLowerCase();
    const tag = /tagName eq '([^']+)'(?: and tagValue eq '([^']*)')?/.exec(
      url.searchParams.get("$filter") ?? "",
    );
    const value = this.#state.list().filter(({ id, type, tags }) => {
      if (type !== "Microsoft.Resources/resourceGroups") return false;
      if (!id.toLowerCase().startsWith(start)) return false;
      if (tag?.[1] === undefined) return true;
      const held = tags?.[tag[1]];
      return held !== undefined && (tag[2] === undefined || held === tag[2]);
    });
    return { status: 200, body: { value } };
  }

  #content(id: string, name: string): AzureAnswer {
    this.#existing(id, name);
    const value = this.#state
      .list(id)
      .filter((resource) => parseArmId(resource.id)?.isChild === false)
      .filter(({ type }) => type !== "Microsoft.Authorization/roleAssignments")
      .map((resource) => {
        const { properties: _, etag: __, hidden: ___, ...shown } = resource;
        return shown;
      });
    return { status: 200, body: { value } };
  }

  #put(id: string, name: string, body: ResourceBody): AzureAnswer {
    if (!/^[-\w.()]{0,89}[-\w()]$/.test(name)) {
      throw new AzureError(
        400,
        "InvalidResourceGroup",
        `The provided resource group name '${name}' has these invalid characters or is too long.`,
      );
    }
    const existing = this.#state.get(id);
    const { location, tags, managedBy } = body;
    if (location === undefined) {
      throw new AzureError(
        400,
        "LocationRequired",
        "The location property is required for this definition.",
      );
    }
    if (existing !== undefined) refuseWhileDeleting(existing);
    if (existing?.location !== undefined && existing.location !== location) {
      throw new AzureError(
        409,
        "InvalidResourceGroupLocation",
        `Invalid resource group location '${location}'. The Resource group already exists in location '${existing.location}'.`,
      );
    }
    const owner = managedBy ?? existing?.managedBy;
    const group = {
      id: existing?.id ?? id,
      name: existing?.name ?? name,
      type: "Microsoft.Resources/resourceGroups",
      location,
      ...(tags === undefined ? {} : { tags }),
      ...(owner === undefined ? {} : { managedBy: owner }),
      properties: { provisioningState: "Succeeded" },
    };
    this.#state.put(group);
    return { status: existing === undefined ? 201 : 200, body: group };
  }

  #patch(id: string, name: string, body: ResourceBody): AzureAnswer {
    const existing = this.#existing(id, name);
    refuseWhileDeleting(existing);
    const group = {
      ...existing,
      ...(body.tags === undefined ? {} : { tags: body.tags }),
    };
    this.#state.put(group);
    return { status: 200, body: group };
  }

  #delete(id: string, name: string, subscriptionId: string): AzureAnswer {
    const group = this.#existing(id, name);
    const isUnderWay = group.properties["provisioningState"] === "Deleting";
    if (!isUnderWay) {
      this.#state.put({ ...group, properties: { provisioningState: "Deleting" } });
    }
    const { location = "" } = this.#operations.begin(subscriptionId, async () => {
      await this.#operations.takeTime();
      if (isUnderWay) return;
      await this.#faults.background({ kind: "deleteGroup", id: group.id });
      this.#empty(group);
    });
    return { status: 202, headers: { location } };
  }

  #empty(group: AzureResource): void {
    const inside = this.#state.list(group.id);
    const outside = this.#state
      .list()
      .filter(({ id }) => !inside.some((one) => sameId(one.id, id)) && !sameId(id, group.id));
    const needed = inside.filter(
      ({ id, type }) =>
        type.toLowerCase().startsWith("microsoft.network/") && referrersTo(id, outside).length > 0,
    );
    for (const resource of inside) {
      if (!needed.some(({ id }) => sameId(id, resource.id))) this.#state.delete(resource.id);
    }
    if (needed.length === 0) {
      this.#state.delete(group.id);
      this.#onGone(group.id);
      return;
    }
    this.#state.put({ ...group, properties: { provisioningState: "Succeeded" } });
    const names = needed.map(({ id }) => id).join(", ");
    throw new AzureError(
      409,
      "ResourceGroupDeletionBlocked",
      `Deletion of resource group '${group.name}' failed as resources with identifiers '${names}' could not be deleted. The ` +
        "provisioning state of the resource group will be rolled back. The tracking Id is the operation's. Please check audit " +
        "logs for more details.",
      {
        details: needed.map(({ id }) => ({
          code: "InUse",
          message: `Resource ${id} is in use by a resource of another group and cannot be deleted.`,
        })),
      },
    );
  }
}

/** What is being deleted takes nothing new, and no changes. */
function refuseWhileDeleting({ name, properties }: AzureResource): void {
  if (properties["provisioningState"] !== "Deleting") return;
  throw new AzureError(
    409,
    "ResourceGroupBeingDeleted",
    `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`,
  );
}
