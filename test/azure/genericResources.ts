/**
 * Requests for single resources and lists of them, of any provider. It must leave what is allowed to `armResources.ts`, so that
 * a template deployment is held to the same.
 */
import { parseArmPath, sameId, type ArmCollection } from "./armIds.ts";
import type { ArmResources, MatchConditions } from "./armResources.ts";
import type { AsyncOperations } from "./asyncOperations.ts";
import { AzureError, type AzureAnswer, type AzureRequest } from "./azureService.ts";
import type { AzureResource, AzureState } from "./azureState.ts";
import { parseBody, type ResourceBody } from "./resourceBody.ts";
import { inlineChildren, isAsynchronous, recordSets } from "./resourceKinds.ts";
import type { StorageAccountKeys } from "./storageAccountKeys.ts";

export class GenericResources {
  readonly #state: AzureState;
  readonly #accountKeys: StorageAccountKeys;
  readonly #resources: ArmResources;
  readonly #operations: AsyncOperations;

  constructor(parts: {
    readonly state: AzureState;
    readonly accountKeys: StorageAccountKeys;
    readonly resources: ArmResources;
    readonly operations: AsyncOperations;
  }) {
    this.#state = parts.state;
    this.#accountKeys = parts.accountKeys;
    this.#resources = parts.resources;
    this.#operations = parts.operations;
  }

  handle(request: AzureRequest): AzureAnswer | undefined {
    const { method, url } = request;
    const path = decodeURIComponent(url.pathname);
    const parsed = parseArmPath(path);
    if (parsed === undefined) return undefined;
    if (parsed.kind === "collection") {
      if (method === "GET") return this.#list(parsed.collection, url);
      return method === "POST" ? this.#act(path) : undefined;
    }
    const { subscriptionId, type } = parsed.resource;
    const match = conditionsOf(request);
    switch (method) {
      case "GET":
        return this.#get(path);
      case "HEAD":
        return { status: this.#resources.find(path) === undefined ? 404 : 204 };
      case "PUT":
        return this.#put(subscriptionId, path, { body: parseBody(request.body), match });
      case "PATCH":
        return this.#patch(subscriptionId, path, { body: parseBody(request.body), match });
      case "DELETE":
        return this.#delete(subscriptionId, path, { type, match });
      default:
        return undefined;
    }
  }

  #get(path: string): AzureAnswer {
    const resource = this.#existing(path);
    return {
      status: 200,
      ...(resource.etag === undefined ? {} : { headers: { etag: `"${resource.etag}"` } }),
      body: this.#resources.view(resource),
    };
  }

  #existing(path: string): AzureResource {
    const resource = this.#resources.find(path);
    if (resource !== undefined) return resource;
    throw notFound(path, this.#state);
  }

  #put(
    subscriptionId: string,
    path: string,
    { body, match }: { readonly body: ResourceBody; readonly match: MatchConditions },
  ): AzureAnswer {
    const { resource, created, finish } = this.#resources.put(path, body, match);
    return {
      status: created ? 201 : 200,
      ...(finish === undefined
        ? {}
        : {
            headers: {
              "azure-asyncoperation":
                this.#operations.begin(subscriptionId, finish)["azure-asyncoperation"] ?? "",
            },
          }),
      body: this.#resources.view(resource),
    };
  }

  #patch(
    subscriptionId: string,
    path: string,
    { body, match }: { readonly body: ResourceBody; readonly match: MatchConditions },
  ): AzureAnswer {
    const { id: _, name: __, type: ___, etag: ____, ...existing } = this.#existing(path);
    const merged = {
      ...existing,
      ...body,
      ...(body.properties === undefined
        ? {}
        : { properties: { ...existing.properties, ...body.properties } }),
    };
    return { ...this.#put(subscriptionId, path, { body: merged, match }), status: 200 };
  }

  #delete(
    subscriptionId: string,
    path: string,
    { type, match }: { readonly type: string; readonly match: MatchConditions },
  ): AzureAnswer {
    const current = this.#resources.find(path);
    if (current?.properties["provisioningState"] === "Deleting") {
      // whoever asks again waits for the deletion that is under way
      const headers = this.#operations.begin(subscriptionId, async () => {
        while (this.#resources.find(path)?.properties["provisioningState"] === "Deleting") {
          await this.#operations.takeTime();
        }
      });
      return { status: 202, headers };
    }
    const { existed, finish } = this.#resources.delete(path, match);
    if (!existed) {
      // the storage provider and Azure's DNS have nothing to say of what isn't there
      return { status: 204 };
    }
    if (finish === undefined) return { status: 200, ...lastView(type, current) };
    return { status: 202, headers: this.#operations.begin(subscriptionId, finish) };
  }

  #act(path: string): AzureAnswer | undefined {
    const at = path.lastIndexOf("/");
    const action = path.slice(at + 1).toLowerCase();
    const resource = this.#existing(path.slice(0, at));
    if (action === "listkeys" && resource.type === "Microsoft.Storage/storageAccounts") {
      return {
        status: 200,
        body: {
          keys: [
            { keyName: "key1", permissions: "FULL", value: this.#accountKeys.of(resource.name) },
          ],
        },
      };
    }
    return undefined;
  }

  #list({ type, scope }: ArmCollection, url: URL): AzureAnswer {
    const wanted = type.toLowerCase();
    const inside = this.#inside(wanted, scope);
    if (inside !== undefined) return { status: 200, body: { value: inside } };
    if (/dnszones\/(recordsets|all)$/.test(wanted)) {
      const zone = this.#existing(scope);
      return { status: 200, body: { value: recordSets(zone, this.#state.list()) } };
    }
    const scopeStart = `${scope.toLowerCase()}/`;
    const principal = /(?:principalId eq|assignedTo\()\s*'([^']+)'/.exec(
      url.searchParams.get("$filter") ?? "",
    )?.[1];
    const value = this.#state
      .list()
      .filter((resource) => resource.type.toLowerCase() === wanted)
      .filter((resource) => resource.id.toLowerCase().startsWith(scopeStart))
      .filter(
        ({ properties }) =>
          principal === undefined || sameId(String(properties["principalId"]), principal),
      )
      .map((resource) => this.#resources.view(resource));
    return { status: 200, body: { value } };
  }

  /** What lies inside of a resource, such as the subnets of a network. */
  #inside(wanted: string, scope: string): unknown[] | undefined {
    const parent = this.#state.get(scope);
    if (parent === undefined) return undefined;
    const kind = inlineChildren(parent.type).find((one) => one.type.toLowerCase() === wanted);
    if (kind === undefined) return undefined;
    return (
      (this.#resources.view(parent)["properties"] as Record<string, unknown[]>)[kind.member] ?? []
    );
  }
}

function conditionsOf({ headers }: AzureRequest): MatchConditions {
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = headers;
  return {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  };
}

/** A deleted identity or assignment is shown once more. */
function lastView(type: string, resource: AzureResource | undefined): { readonly body?: object } {
  if (resource === undefined || isAsynchronous(type)) return {};
  if (type.toLowerCase() !== "microsoft.authorization/roleassignments") return {};
  return { body: resource };
}

/** The answer of Azure Resource Manager for a resource, or the group around it, that isn't there. */
function notFound(path: string, state: AzureState): AzureError {
  const group = /^(\/subscriptions\/[^/]+\/resourcegroups\/([^/]+))/i.exec(path);
  if (group?.[1] !== undefined && state.get(group[1]) === undefined) {
    return new AzureError(
      404,
      "ResourceGroupNotFound",
      `Resource group '${group[2]}' could not be found.`,
    );
  }
  const parsed = parseArmPath(path);
  const shown = parsed?.kind === "resource" ? parsed.resource : undefined;
  return new AzureError(
    404,
    "ResourceNotFound",
    `The Resource '${shown?.type}/${shown?.names.join("/")}' under resource group '${group?.[2] ?? "<null>"}' was not found. ` +
      "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
  );
}
