/**
 * Azure Resource Manager: lets callers in by their tokens, asks for an api-version, and gives the request to the part that
 * answers it. It must do nothing for a caller that it doesn't know.
 */
import { randomUUID } from "node:crypto";
import { ArmResources } from "./armResources.ts";
import { AsyncOperations } from "./asyncOperations.ts";
import {
  AzureError,
  type AzureAnswer,
  type AzureRequest,
  type AzureService,
  type AzureSurroundings,
} from "./azureService.ts";
import type { AzureResource } from "./azureState.ts";
import { Deployments } from "./deployments.ts";
import type { Entra } from "./entra.ts";
import type { FaultInjection } from "./faults.ts";
import { GenericResources } from "./genericResources.ts";
import type { ResourceBody } from "./resourceBody.ts";
import { ResourceGroups } from "./resourceGroups.ts";
import type { SubscriptionConditions } from "./subscriptionConditions.ts";
import { Subscriptions } from "./subscriptions.ts";

export class ResourceManager implements AzureService {
  readonly #surroundings: AzureSurroundings;
  readonly #entra: Entra;
  readonly #conditions: SubscriptionConditions;
  readonly #operations: AsyncOperations;
  readonly #deployments: Deployments;
  readonly #groups: ResourceGroups;
  readonly #subscriptions: Subscriptions;
  readonly #resources: GenericResources;
  readonly #all: ArmResources;

  constructor(
    surroundings: AzureSurroundings,
    parts: {
      readonly entra: Entra;
      readonly conditions: SubscriptionConditions;
      readonly faults: FaultInjection;
    },
  ) {
    this.#surroundings = surroundings;
    this.#entra = parts.entra;
    this.#conditions = parts.conditions;
    const operations = new AsyncOperations(surroundings);
    const resources = new ArmResources(surroundings, { ...parts, operations });
    const { state } = surroundings;
    this.#operations = operations;
    this.#deployments = new Deployments(surroundings, { ...parts, operations, resources });
    this.#groups = new ResourceGroups({
      state,
      operations,
      faults: parts.faults,
      onGone: (group) => this.#deployments.dropGroup(group),
    });
    this.#subscriptions = new Subscriptions({
      state,
      conditions: parts.conditions,
      entra: parts.entra,
    });
    this.#all = resources;
    const { accountKeys } = surroundings;
    this.#resources = new GenericResources({ state, accountKeys, operations, resources });
  }

  /** Creates a resource at once, without a request. */
  create(id: string, body: ResourceBody): AzureResource {
    return this.#all.put(id, body).resource;
  }

  async handle(request: AzureRequest): Promise<AzureAnswer | undefined> {
    if (!/^\/(subscriptions|providers)(\/|$)/i.test(request.url.pathname)) return undefined;
    const headers = {
      "x-ms-request-id": randomUUID(),
      "x-ms-correlation-request-id": randomUUID(),
      "cache-control": "no-cache",
    };
    const answer = await this.#answer(request).catch((error: unknown) => {
      if (error instanceof AzureError) return error.answer();
      throw error;
    });
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }

  async #answer(request: AzureRequest): Promise<AzureAnswer> {
    const caller = this.#caller(request);
    this.#checkApiVersion(request.url);
    this.#checkSubscription(request.url.pathname);
    const answer =
      this.#operations.handle(request.url.pathname) ??
      this.#subscriptions.handle(request, caller) ??
      this.#groups.handle(request) ??
      this.#deployments.handle(request) ??
      this.#resources.handle(request);
    if (answer !== undefined) return answer;
    throw new AzureError(
      404,
      "InvalidResourceType",
      `The resource type could not be found for '${request.method} ${request.url.pathname}'.`,
    );
  }

  #caller({ headers }: AzureRequest): string {
    const given = headers.authorization;
    const challenge = {
      headers: {
        "www-authenticate": `Bearer authorization_uri="${this.#surroundings.url}/${this.#entra.tenantId}"`,
      },
    };
    if (given === undefined) {
      throw new AzureError(
        401,
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
        challenge,
      );
    }
    const holder = this.#entra.holderOf(given.replace(/^Bearer /i, ""));
    if (holder === undefined) {
      throw new AzureError(
        401,
        "InvalidAuthenticationToken",
        "The access token is invalid.",
        challenge,
      );
    }
    return holder;
  }

  #checkApiVersion(url: URL): void {
    const version = url.searchParams.get("api-version");
    if (version === null || version === "") {
      throw new AzureError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
      );
    }
    if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) {
      throw new AzureError(
        400,
        "InvalidApiVersionParameter",
        `The api-version '${version}' is invalid. The supported versions are dates such as '2024-11-01'.`,
      );
    }
  }

  #checkSubscription(path: string): void {
    const subscriptionId = /^\/subscriptions\/([^/]+)/i.exec(path)?.[1];
    if (subscriptionId === undefined) return;
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(subscriptionId)) {
      throw new AzureError(
        400,
        "InvalidSubscriptionId",
        `The provided subscription identifier '${subscriptionId}' is malformed or invalid.`,
      );
    }
    if (!this.#conditions.missingSubscriptions.has(subscriptionId)) return;
    throw new AzureError(
      404,
      "SubscriptionNotFound",
      `The subscription '${subscriptionId}' could not be found.`,
    );
  }
}
