/**
 * Resources as Azure Resource Manager and its providers keep them: creates, replaces and deletes any kind of resource, fills in
 * what Azure fills in, and refuses what it refuses. Requests and template deployments both go through it; it must know
 * neither.
 */
import { randomUUID } from "node:crypto";
import { parseArmId, sameId, type ArmId } from "./armIds.ts";
import type { AsyncOperations } from "./asyncOperations.ts";
import { AzureError, type AzureSurroundings } from "./azureService.ts";
import type { AzureResource } from "./azureState.ts";
import type { Entra } from "./entra.ts";
import type { ResourceBody } from "./resourceBody.ts";
import { inlineChildren, isAsynchronous, isTracked, kindOf, nameOf } from "./resourceKinds.ts";
import { referencesIn, refuseDeletion } from "./resourceReferences.ts";
import type { SubscriptionConditions } from "./subscriptionConditions.ts";

/** The conditions under which a change is made: `If-Match` and `If-None-Match`. */
export interface MatchConditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

export interface PutOutcome {
  readonly resource: AzureResource;
  readonly created: boolean;
  /** Finishes what goes on in the background; absent when all is done. */
  readonly finish?: () => Promise<void>;
}

export interface DeleteOutcome {
  readonly existed: boolean;
  readonly finish?: () => Promise<void>;
}

export class ArmResources {
  readonly #surroundings: AzureSurroundings;
  readonly #operations: AsyncOperations;
  readonly #entra: Entra;
  readonly #conditions: SubscriptionConditions;

  constructor(
    surroundings: AzureSurroundings,
    parts: {
      readonly operations: AsyncOperations;
      readonly entra: Entra;
      readonly conditions: SubscriptionConditions;
    },
  ) {
    this.#surroundings = surroundings;
    this.#operations = parts.operations;
    this.#entra = parts.entra;
    this.#conditions = parts.conditions;
  }

  /** A resource or what lies inside of one, such as a subnet. */
  find(id: string): AzureResource | undefined {
    const own = this.#surroundings.state.get(id);
    if (own !== undefined) return own;
    const parsed = parseArmId(id);
    if (parsed === undefined || !parsed.isChild) return undefined;
    const parent = this.find(parsed.parent);
    if (parent === undefined) return undefined;
    const child = childrenIn(parent, parsed.type)?.find((one) => sameId(one.id, id));
    return child;
  }

  /**
   * Creates or replaces.
   *
   * @throws {AzureError} what Azure would answer.
   */
  put(idText: string, body: ResourceBody, match: MatchConditions = {}): PutOutcome {
    const id = this.#resourceId(idText);
    this.#checkPlace(id);
    const existing = this.find(idText);
    checkMatch(existing, match);
    this.#checkLocation(id, body, existing);
    const inline = this.#inlineParent(id);
    if (inline !== undefined) return this.#putInline(id, body, inline, existing);

    const prepared = kindOf(id.type).prepare({
      id,
      body,
      existing,
      find: (other) => this.find(other),
      all: () => this.#surroundings.state.list(),
      now: this.#surroundings.clock.now(),
      url: this.#surroundings.url,
      tenantId: this.#entra.tenantId,
      principalDelayMs: this.#conditions.principalDelayMs,
      isPrincipal: (objectId) => this.#entra.isPrincipal(objectId),
    });
    if (prepared === "unchanged" && existing !== undefined) {
      return { resource: existing, created: false };
    }
    const content = prepared === "unchanged" ? body : prepared;
    const state = this.#pending(id.type, existing);
    const resource = this.#compose(id, content, existing, state);
    this.#checkReferences(resource);
    this.#checkRemovedChildren(resource, existing);
    this.#surroundings.state.put(resource);
    this.#putCompanions(id, resource);
    return {
      resource,
      created: existing === undefined,
      ...(state === "Succeeded" ? {} : { finish: () => this.#settle(resource) }),
    };
  }

  /**
   * Deletes.
   *
   * @throws {AzureError} what Azure would answer, such as that something else uses it.
   */
  delete(idText: string, match: MatchConditions = {}): DeleteOutcome {
    const id = this.#resourceId(idText);
    const existing = this.find(idText);
    if (existing === undefined) return { existed: false };
    checkMatch(existing, match);
    refuseDeletion(existing, this.#surroundings.state.list());
    const inline = this.#inlineParent(id);
    if (inline !== undefined) {
      const children = childrenIn(inline, id.type) ?? [];
      const outcome = this.#replaceChildren(
        inline,
        id,
        children.filter((child) => !sameId(child.id, idText)),
      );
      return { existed: true, finish: outcome };
    }
    if (!isAsynchronous(id.type)) {
      this.remove(existing);
      return { existed: true };
    }
    this.#surroundings.state.put(withState(existing, "Deleting"));
    return {
      existed: true,
      finish: async () => {
        await this.#operations.takeTime();
        this.remove(existing);
      },
    };
  }

  /** Takes a resource and all below it away, whatever uses it. */
  remove(resource: AzureResource): void {
    for (const below of this.#surroundings.state.list(resource.id)) {
      this.#surroundings.state.delete(below.id);
    }
    this.#surroundings.state.delete(resource.id);
    for (const disk of kindOf(resource.type).deletedWith(resource)) {
      this.#surroundings.state.delete(disk);
    }
    this.#releaseDisks(resource);
  }

  /** As a caller sees it: without what is never shown, with what Azure adds of other resources. */
  view(resource: AzureResource): Record<string, unknown> {
    const { hidden: _, ...shown } = resource;
    const seen = kindOf(resource.type).seen(resource, this.#surroundings.state.list());
    return { ...shown, properties: { ...shown.properties, ...seen } };
  }

  #resourceId(idText: string): ArmId {
    const id = parseArmId(idText);
    if (id === undefined) {
      throw new AzureError(400, "InvalidResourceId", `The resource id '${idText}' is not valid.`);
    }
    return id;
  }

  #checkPlace(id: ArmId): void {
    const provider = this.#conditions.providerName(id.namespace);
    if (provider === undefined) {
      throw new AzureError(
        404,
        "InvalidResourceNamespace",
        `The resource namespace '${id.namespace}' is invalid.`,
      );
    }
    if (this.#conditions.registrations.get(provider) !== "Registered") {
      throw new AzureError(
        409,
        "MissingSubscriptionRegistration",
        `The subscription is not registered to use namespace '${provider}'. See https://aka.ms/rps-not-found for how to ` +
          "register subscriptions.",
      );
    }
    if (id.resourceGroup !== undefined) {
      const group = this.#surroundings.state.get(
        `/subscriptions/${id.subscriptionId}/resourceGroups/${id.resourceGroup}`,
      );
      if (group === undefined) {
        throw new AzureError(
          404,
          "ResourceGroupNotFound",
          `Resource group '${id.resourceGroup}' could not be found.`,
        );
      }
      if (group.properties["provisioningState"] === "Deleting") {
        throw new AzureError(
          409,
          "ResourceGroupBeingDeleted",
          `The resource group '${id.resourceGroup}' is in deprovisioning state and cannot perform this operation.`,
        );
      }
    }
    if (id.isChild && kindOf(id.type).needsParent && this.find(id.parent) === undefined) {
      throw new AzureError(
        404,
        "ParentResourceNotFound",
        `Failed to perform 'write' on resource(s) of type '${id.type}', because the parent resource ` +
          `'${id.parent}' could not be found.`,
      );
    }
    const busy = this.find(id.id)?.properties["provisioningState"];
    if (busy === "Deleting") {
      throw new AzureError(
        409,
        id.namespace.toLowerCase() === "microsoft.network"
          ? "AnotherOperationInProgress"
          : "Conflict",
        `Another operation on this or dependent resource is in progress: '${id.id}' is being deleted.`,
      );
    }
  }

  #checkLocation(id: ArmId, body: ResourceBody, existing: AzureResource | undefined): void {
    if (!isTracked(id.type)) return;
    if (body.location === undefined) {
      throw new AzureError(
        400,
        "LocationRequired",
        "The location property is required for this definition.",
      );
    }
    if (existing?.location !== undefined && !sameLocation(existing.location, body.location)) {
      throw new AzureError(
        409,
        "InvalidResourceLocation",
        `The resource '${id.name}' already exists in location '${existing.location}' in resource group ` +
          `'${id.resourceGroup}'. A resource with the same name cannot be created in location '${body.location}'. ` +
          "Please select a new resource name.",
      );
    }
  }

  /** The resource that holds what `id` names inside of itself. */
  #inlineParent(id: ArmId): AzureResource | undefined {
    if (!id.isChild) return undefined;
    const parent = this.#surroundings.state.get(id.parent);
    if (parent === undefined) return undefined;
    return childrenIn(parent, id.type) === undefined ? undefined : parent;
  }

  #putInline(
    id: ArmId,
    body: ResourceBody,
    parent: AzureResource,
    existing: AzureResource | undefined,
  ): PutOutcome {
    const children = childrenIn(parent, id.type) ?? [];
    const child = {
      id: existing?.id ?? id.id,
      name: existing?.name ?? id.name,
      type: id.type,
      properties: { ...body.properties },
    };
    const replaced =
      existing === undefined
        ? [...children, child]
        : children.map((one) => (sameId(one.id, id.id) ? child : one));
    const finish = this.#replaceChildren(parent, id, replaced);
    const resource = this.find(id.id);
    if (resource === undefined) throw new Error(`${id.id} was put and isn't there`);
    return { resource, created: existing === undefined, finish };
  }

  /** Puts a resource again with other things inside. */
  #replaceChildren(
    parent: AzureResource,
    id: ArmId,
    children: readonly object[],
  ): () => Promise<void> {
    const member = inlineChildren(parent.type).find(
      (kind) => kind.type.toLowerCase() === id.type.toLowerCase(),
    )?.member;
    const properties = { ...parent.properties, [member ?? ""]: children };
    const { id: parentId, name: _, type: __, etag: ___, ...body } = parent;
    const { finish } = this.put(parentId, { ...body, properties });
    return finish ?? (async () => undefined);
  }

  #compose(
    id: ArmId,
    body: ResourceBody,
    existing: AzureResource | undefined,
    state: string,
  ): AzureResource {
    const { id: _, name: __, type: ___, apiVersion: ____, ...members } = body;
    const base = {
      ...members,
      id: existing?.id ?? id.id,
      name: existing?.name ?? nameOf(id),
      type: existing?.type ?? kindOf(id.type).type ?? id.type,
      etag: randomUUID(),
    };
    const properties: Record<string, unknown> = {
      ...body.properties,
      provisioningState: state,
    };
    for (const { member, type } of inlineChildren(id.type)) {
      const children = properties[member];
      if (!Array.isArray(children)) continue;
      properties[member] = (children as { name: string; properties?: object }[]).map((child) => ({
        ...child,
        id: `${base.id}/${member}/${child.name}`,
        type,
        etag: base.etag,
        properties: { ...child.properties, provisioningState: "Succeeded" },
      }));
    }
    return { ...base, properties };
  }

  #pending(type: string, existing: AzureResource | undefined): string {
    if (!isAsynchronous(type)) return "Succeeded";
    if (existing !== undefined) return "Updating";
    return type.toLowerCase().startsWith("microsoft.compute/") ? "Creating" : "Updating";
  }

  async #settle(resource: AzureResource): Promise<void> {
    await this.#operations.takeTime();
    const current = this.#surroundings.state.get(resource.id);
    // somebody replaced or deleted it meanwhile: that is another operation's to end
    if (current?.etag !== resource.etag || current === undefined) return;
    if (current.properties["provisioningState"] === "Deleting") return;
    this.#surroundings.state.put(withState(current, "Succeeded"));
  }

  #checkReferences(resource: AzureResource): void {
    for (const reference of referencesIn(resource)) {
      if (!/\/resourceGroups\//i.test(reference)) continue;
      if (sameId(reference, resource.id)) continue;
      const isInside = reference.toLowerCase().startsWith(`${resource.id.toLowerCase()}/`);
      const target = isInside ? insideOf(resource, reference) : this.find(reference);
      if (target !== undefined && target.properties["provisioningState"] !== "Deleting") continue;
      const message =
        `Resource ${reference} referenced by resource ${resource.id} was not found. Please make sure that the ` +
        "referenced resource exists, and that both resources are in the same region.";
      if (resource.type.toLowerCase().startsWith("microsoft.network/")) {
        throw new AzureError(400, "InvalidResourceReference", message, { details: [] });
      }
      throw new AzureError(404, "NotFound", message);
    }
  }

  /** A subnet that is left out is deleted, which can't be while something is in it. */
  #checkRemovedChildren(resource: AzureResource, existing: AzureResource | undefined): void {
    if (existing === undefined) return;
    const others = this.#surroundings.state.list().filter(({ id }) => !sameId(id, resource.id));
    for (const { type } of inlineChildren(resource.type)) {
      const kept = new Set(childrenIn(resource, type)?.map(({ id }) => id.toLowerCase()));
      for (const child of childrenIn(existing, type) ?? []) {
        if (!kept.has(child.id.toLowerCase())) refuseDeletion(child, others);
      }
    }
  }

  #putCompanions(id: ArmId, resource: AzureResource): void {
    for (const companion of kindOf(id.type).companions(resource)) {
      if (this.#surroundings.state.get(companion.id) === undefined) {
        this.#surroundings.state.put(companion);
      }
    }
  }

  #releaseDisks(resource: AzureResource): void {
    for (const other of this.#surroundings.state.list()) {
      if (other.managedBy === undefined || !sameId(other.managedBy, resource.id)) continue;
      if (other.type.toLowerCase() !== "microsoft.compute/disks") continue;
      const { managedBy: _, ...free } = other;
      this.#surroundings.state.put({
        ...free,
        properties: { ...free.properties, diskState: "Unattached" },
      });
    }
  }
}

function childrenIn(parent: AzureResource, type: string): AzureResource[] | undefined {
  const kind = inlineChildren(parent.type).find(
    (one) => one.type.toLowerCase() === type.toLowerCase(),
  );
  if (kind === undefined) return undefined;
  const children = parent.properties[kind.member];
  return Array.isArray(children) ? (children as AzureResource[]) : [];
}

function insideOf(resource: AzureResource, id: string): AzureResource | undefined {
  for (const { type } of inlineChildren(resource.type)) {
    const child = childrenIn(resource, type)?.find((one) => sameId(one.id, id));
    if (child !== undefined) return child;
  }
  return undefined;
}

function withState(resource: AzureResource, provisioningState: string): AzureResource {
  return { ...resource, properties: { ...resource.properties, provisioningState } };
}

function sameLocation(one: string, other: string): boolean {
  const plain = (location: string): string => location.toLowerCase().replaceAll(" ", "");
  return plain(one) === plain(other);
}

function checkMatch(existing: AzureResource | undefined, match: MatchConditions): void {
  const { ifMatch, ifNoneMatch } = match;
  const current = existing?.etag === undefined ? "" : ` The current etag is '${existing.etag}'.`;
  const bare = (etag: string): string => etag.replaceAll('"', "");
  if (ifNoneMatch !== undefined && existing !== undefined) {
    if (ifNoneMatch === "*" || bare(ifNoneMatch) === existing.etag) {
      throw new AzureError(
        412,
        "PreconditionFailed",
        `The condition '${ifNoneMatch}' in the If-None-Match header was not satisfied.${current}`,
      );
    }
  }
  if (ifMatch === undefined) return;
  if (existing === undefined || (ifMatch !== "*" && bare(ifMatch) !== existing.etag)) {
    throw new AzureError(
      412,
      "PreconditionFailed",
      `The condition '${ifMatch}' in the If-Match header was not satisfied.${current}`,
    );
  }
}
