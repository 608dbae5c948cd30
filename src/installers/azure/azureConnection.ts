/**
 * The resource provider's own way into Azure: its credential, and the SDK's clients for each
 * subscription, made when they are first asked for. The only file that holds the credential; it
 * must never be handed to a cluster or to a program. Nothing in it waits for Azure without an end.
 */
import type { TokenCredential } from "@azure/core-auth";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ComputeManagementClient } from "@azure/arm-compute";
import { DnsManagementClient } from "@azure/arm-dns";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { NetworkManagementClient } from "@azure/arm-network";
import { ResourceManagementClient } from "@azure/arm-resources";
import { DeploymentsClient } from "@azure/arm-resourcesdeployments";
import { StorageManagementClient } from "@azure/arm-storage";
import {
  bearerTokenAuthenticationPolicyName,
  type HttpClient,
  type Pipeline,
  type PipelinePolicy,
} from "@azure/core-rest-pipeline";
import { ClientSecretCredential, DefaultAzureCredential } from "@azure/identity";
import type { RequestPolicyFactory } from "@azure/storage-blob";
import type { Clock } from "../../runtime/clock.ts";
import { guardedHttpClient } from "./actingWorker.ts";
import { BoundedCredential } from "./boundedCredential.ts";
import { readingFailedOperations } from "./failures/operationError.ts";
import { keepingFailedBodies, refusingLongWaits } from "./failures/answerPolicies.ts";
import { endingOnAbort, limitingBlobRequests, limitingRequests } from "./requestLimit.ts";

/** Where Azure is. */
export interface AzureEndpoints {
  /** Of ARM, without a slash at its end. */
  readonly resourceManager: string;
  /** Of Microsoft Entra. */
  readonly authorityHost: string;
}

/** A service principal that isn't the resource provider's own. */
export interface OtherPrincipal {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What a connection is given from outside, and how long it waits. */
export interface AzureConnectionOptions {
  readonly clock: Clock;
  /** Of the resource provider; otherwise the environment's, a managed identity or `az login`. */
  readonly credential?: () => TokenCredential;
  /** For one sign-in; 30 s unless given. */
  readonly signInLimitMs?: number;
  /** For one request to ARM; 60 s unless given. */
  readonly requestLimitMs?: number;
  /** For one call of the blob service, which may carry some MB; 5 min unless given. */
  readonly blobLimitMs?: number;
}

/**
 * Times that a call is sent again on 429 that asks for a short wait, 5xx and broken connections,
 * before its step has to.
 */
const retriesMax = 2;
const signInLimitMs = 30_000;
const requestLimitMs = 60_000;
const blobLimitMs = 5 * 60_000;

export class AzureConnection {
  readonly endpoints: AzureEndpoints;
  /** Part of each client of the blob service. */
  readonly blobLimit: RequestPolicyFactory;
  readonly #options: AzureConnectionOptions;
  readonly #credential: BoundedCredential;
  readonly #requestLimit: PipelinePolicy;
  readonly #httpClient = guardedHttpClient();
  readonly #clients = new Map<string, AzureClients>();

  constructor(endpoints: AzureEndpoints, options: AzureConnectionOptions) {
    this.endpoints = endpoints;
    this.#options = options;
    const { credential } = options;
    this.#credential = this.#bounded((watch) =>
      credential === undefined
        ? new DefaultAzureCredential(signingIn(endpoints, watch))
        : credential(),
    );
    const { clock } = options;
    this.#requestLimit = limitingRequests({
      clock,
      limitMs: options.requestLimitMs ?? requestLimitMs,
    });
    this.blobLimit = limitingBlobRequests({ clock, limitMs: options.blobLimitMs ?? blobLimitMs });
  }

  /** Of a subscription. */
  of(subscriptionId: string): AzureClients {
    const known = this.#clients.get(subscriptionId);
    if (known !== undefined) return known;
    const made = this.#clientsOf(subscriptionId, this.#credential);
    this.#clients.set(subscriptionId, made);
    return made;
  }

  /**
   * Whether the resource provider can sign in.
   *
   * @throws whatever the credential throws, an outage when the time for one sign-in is up.
   */
  async signIn(): Promise<void> {
    await this.#credential.getToken(this.scope);
  }

  /** A credential of somebody else's, to see what it can do. */
  as({ tenantId, clientId, clientSecret }: OtherPrincipal): BoundedCredential {
    return this.#bounded(
      (watch) =>
        new ClientSecretCredential(
          tenantId,
          clientId,
          clientSecret,
          signingIn(this.endpoints, watch),
        ),
    );
  }

  /** Of a subscription, as somebody else. */
  ofAs(subscriptionId: string, principal: OtherPrincipal): AzureClients {
    return this.#clientsOf(subscriptionId, this.as(principal));
  }

  #clientsOf(subscriptionId: string, credential: BoundedCredential): AzureClients {
    return new AzureClients(subscriptionId, this.endpoints, {
      credential: credential.shared,
      requestLimit: this.#requestLimit,
      httpClient: this.#httpClient,
    });
  }

  #bounded(make: (watch: PipelinePolicy) => TokenCredential): BoundedCredential {
    const { policy, brokenBy } = watchingConnections(this.endpoints);
    const { clock } = this.#options;
    const limitMs = this.#options.signInLimitMs ?? signInLimitMs;
    return new BoundedCredential({ make: () => make(policy), clock, limitMs, brokenBy });
  }

  /** For tokens for ARM. */
  get scope(): string {
    return `${this.endpoints.resourceManager}/.default`;
  }
}

/** An authority of one's own can't be found in Microsoft's directory of them. */
function signingIn(
  { authorityHost }: AzureEndpoints,
  policy: PipelinePolicy,
): {
  readonly authorityHost: string;
  readonly disableInstanceDiscovery: boolean;
  readonly additionalPolicies: { policy: PipelinePolicy; position: "perRetry" }[];
} {
  return {
    authorityHost,
    disableInstanceDiscovery: !isMicrosofts(authorityHost),
    additionalPolicies: [{ policy, position: "perRetry" }],
  };
}

/** The request has the secret that was sent. */
function withoutRequest(error: unknown): Error {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return Object.assign(new Error("the connection to sign in by broke"), { code });
}

/** Keeps why the last request to Entra got no answer. Ways to sign in that ask others, such as a managed identity, aren't watched. */
function watchingConnections({ authorityHost }: AzureEndpoints): {
  readonly policy: PipelinePolicy;
  readonly brokenBy: () => Error | undefined;
} {
  const { host } = new URL(authorityHost);
  let broken: Error | undefined;
  return {
    brokenBy: () => broken,
    policy: {
      name: "watchingConnections",
      sendRequest: async (request, next) => {
        const isWatched = URL.parse(request.url)?.host === host;
        try {
          const response = await next(request);
          if (isWatched) broken = undefined;
          return response;
        } catch (error) {
          if (isWatched) broken = withoutRequest(error);
          throw error;
        }
      },
    },
  };
}

function isMicrosofts(authorityHost: string): boolean {
  const { hostname } = new URL(authorityHost);
  return /(^|\.)(microsoftonline\.(com|us)|chinacloudapi\.cn)$/.test(hostname);
}

/** The SDK's clients for one subscription; each is made when it is first asked for. */
export class AzureClients {
  /** Of ARM, without a slash at its end. */
  readonly endpoint: string;
  readonly #subscriptionId: string;
  readonly #credential: TokenCredential;
  readonly #requestLimit: PipelinePolicy;
  readonly #httpClient: HttpClient;
  readonly #made = new Map<string, unknown>();

  constructor(
    subscriptionId: string,
    { resourceManager }: AzureEndpoints,
    {
      credential,
      requestLimit,
      httpClient,
    }: {
      readonly credential: TokenCredential;
      readonly requestLimit: PipelinePolicy;
      readonly httpClient: HttpClient;
    },
  ) {
    this.#subscriptionId = subscriptionId;
    this.#credential = credential;
    this.#requestLimit = requestLimit;
    this.#httpClient = httpClient;
    this.endpoint = resourceManager;
  }

  /** Groups, resource providers, and any resource by its id. */
  get resources(): ResourceManagementClient {
    return this.#client("resources", ResourceManagementClient);
  }

  get deployments(): DeploymentsClient {
    return this.#client("deployments", DeploymentsClient);
  }

  get storage(): StorageManagementClient {
    return this.#client("storage", StorageManagementClient);
  }

  get compute(): ComputeManagementClient {
    return this.#client("compute", ComputeManagementClient);
  }

  get network(): NetworkManagementClient {
    return this.#client("network", NetworkManagementClient);
  }

  get dns(): DnsManagementClient {
    return this.#client("dns", DnsManagementClient);
  }

  get authorization(): AuthorizationManagementClient {
    return this.#client("authorization", AuthorizationManagementClient);
  }

  get identities(): ManagedServiceIdentityClient {
    return this.#client("identities", ManagedServiceIdentityClient);
  }

  #client<Client extends { readonly pipeline: Pipeline }>(
    name: string,
    Kind: new (
      credential: TokenCredential,
      subscriptionId: string,
      options: {
        readonly endpoint: string;
        readonly credentials: { readonly scopes: string[] };
        readonly credentialScopes: string[];
        readonly httpClient: HttpClient;
        readonly retryOptions: { readonly maxRetries: number };
        readonly additionalPolicies: { policy: PipelinePolicy; position: "perRetry" }[];
      },
    ) => Client,
  ): Client {
    const known = this.#made.get(name) as Client | undefined;
    if (known !== undefined) return known;
    const scopes = [`${this.endpoint}/.default`];
    const made = new Kind(this.#credential, this.#subscriptionId, {
      endpoint: this.endpoint,
      // what the two generations of the SDK call the same
      credentials: { scopes },
      credentialScopes: scopes,
      httpClient: this.#httpClient,
      retryOptions: { maxRetries: retriesMax },
      additionalPolicies: [
        { policy: keepingFailedBodies, position: "perRetry" },
        { policy: refusingLongWaits, position: "perRetry" },
        { policy: readingFailedOperations, position: "perRetry" },
        { policy: this.#requestLimit, position: "perRetry" },
      ],
    });
    made.pipeline.addPolicy(endingOnAbort, {
      beforePolicies: [bearerTokenAuthenticationPolicyName],
    });
    this.#made.set(name, made);
    return made;
  }
}
