/**
 * Opens the account: the only place that loads the SDK, and only when Cosmos DB was selected, because loading takes half a
 * second and 40 MB. It checks that the account keeps the promises on which the store rests, and takes the SDK's own
 * retries out of the way of writes. It must never create anything: a role for data may not, and the deployment does.
 */
import type { Container, CosmosClient, CosmosClientOptions } from "@azure/cosmos";
import type { HttpClient, PipelineRequest, PipelineResponse } from "@azure/core-rest-pipeline";
import { CosmosFailure, failedAnswer, failureFrom } from "./cosmosFailure.ts";
import {
  containerDefaultTtl,
  cosmosDatabase,
  documentsContainer,
  leasesContainer,
} from "./cosmosLayout.ts";
import { plainHttpClient } from "./cosmosHttp.ts";
import { withoutNeedlessPlans } from "./cosmosQueryPlans.ts";
import type { CosmosSettings } from "./cosmosSettings.ts";
import { signerBy } from "./cosmosSignature.ts";
import { untilAborted } from "../runtime/deadlineSignal.ts";

/** The end of a request that nobody gave a limit; each has one of its own. */
const requestLimitMs = 60_000;

/** The containers of the store. */
export interface CosmosConnection extends Disposable {
  /** Partition key `/subscriptionId`. */
  readonly documents: Container;
  /** Partition key `/id`: every lease for itself. */
  readonly leases: Container;
}

/** The account can't be used; the message says why, for whoever runs the program. */
export class CosmosOpenError extends Error {
  override readonly name = "CosmosOpenError";
  /** The service itself says that it can't serve just now: to open it again may help. */
  readonly isPassing: boolean;

  constructor(message: string, options: { readonly isPassing?: boolean } = {}) {
    super(message);
    this.isPassing = options.isPassing ?? false;
  }
}

/**
 * @param options.signal the limit: a name that can't be resolved is tried for minutes by the SDK, which takes no notice of it.
 * @param options.database another name than the usual one, for tests that share an account.
 * @throws {CosmosOpenError}
 * @throws the signal's reason.
 */
export async function openCosmos(
  settings: CosmosSettings,
  options: { readonly signal: AbortSignal; readonly database?: string },
): Promise<CosmosConnection> {
  const { database = cosmosDatabase, signal } = options;
  signal.throwIfAborted();
  const sdk = await import("@azure/cosmos");
  const { createHttpHeaders } = await import("@azure/core-rest-pipeline");
  let client: CosmosClient | undefined;
  // the SDK would try an account that can't be reached for half a minute, and then tell nothing of the cause
  const unreachable = Promise.withResolvers<never>();
  unreachable.promise.catch(() => {
    // whoever opens has seen it, or is open
  });
  try {
    client = new sdk.CosmosClient({
      endpoint: settings.endpoint,
      ...(await signIn(settings)),
      httpClient: withoutNeedlessPlans(
        withoutResending(plainHttpClient(createHttpHeaders), (code) =>
          unreachable.reject(
            new CosmosOpenError(`it can't be reached (${code}); look at its name`),
          ),
        ),
        createHttpHeaders(),
      ),
      connectionPolicy: {
        requestTimeout: requestLimitMs,
        // a stand-in on this machine is no account with regions
        enableEndpointDiscovery: settings.endpoint.startsWith("https:"),
        retryOptions: {
          maxRetryAttemptCount: 0,
          fixedRetryIntervalInMilliseconds: 0,
          maxWaitTimeInSeconds: 0,
        },
      },
    });
    const opened = client;
    const documents = opened.database(database).container(documentsContainer.name);
    const leases = opened.database(database).container(leasesContainer.name);
    const check = async (): Promise<void> => {
      await checkAccount(opened, signal);
      await checkContainer(documents, documentsContainer.partitionKey, signal);
      await checkContainer(leases, leasesContainer.partitionKey, signal);
    };
    await untilAborted(signal, async () => Promise.race([check(), unreachable.promise]));
    return { documents, leases, [Symbol.dispose]: () => opened.dispose() };
  } catch (error) {
    client?.dispose();
    signal.throwIfAborted();
    const prefix = "the Cosmos DB account cannot be used";
    if (error instanceof CosmosOpenError) throw new CosmosOpenError(`${prefix}: ${error.message}`);
    const failure = failureFrom(error);
    const { kind, status } = failure;
    const isPassing = status !== undefined && (kind === "putOff" || kind === "unanswered");
    throw new CosmosOpenError(`${prefix}: ${withHint(failure)}`, { isPassing });
  }
}

/** What to do about it, by the status of the answer. */
const hints: Readonly<Record<number, string>> = {
  401: "look at the key, and at the clock of this machine; an account may take no keys: leave the key out, for Entra",
  403: "the role Cosmos DB Built-in Data Contributor is needed, and the account's network rules must allow it",
};

function withHint({ message, status = 0 }: CosmosFailure): string {
  const hint = hints[status];
  return hint === undefined ? message : `${message}; ${hint}`;
}

async function signIn({
  key,
}: CosmosSettings): Promise<Pick<CosmosClientOptions, "tokenProvider" | "aadCredentials">> {
  if (key !== undefined) return { tokenProvider: signerBy(key) };
  const { DefaultAzureCredential } = await import("@azure/identity");
  return { aadCredentials: new DefaultAzureCredential() };
}

/**
 * Strong consistency: what one process has committed every other reads next, and so does a read that asks what became of a
 * write. Where several regions take writes there is no such thing, and a condition on an ETag would hold in one region only.
 */
async function checkAccount(client: CosmosClient, signal: AbortSignal): Promise<void> {
  const { resource } = await client.getDatabaseAccount({ abortSignal: signal });
  const level = String(resource?.consistencyPolicy);
  if (level === "Strong") return;
  throw new CosmosOpenError(`its default consistency must be Strong, and is ${level}`);
}

async function checkContainer(
  container: Container,
  partitionKey: string,
  signal: AbortSignal,
): Promise<void> {
  const { resource } = await readContainer(container, signal);
  const paths = resource?.partitionKey?.paths.join(", ");
  if (paths !== partitionKey) {
    throw new CosmosOpenError(
      `the partition key of ${container.id} must be ${partitionKey}, and is ${paths}`,
    );
  }
  if (resource?.defaultTtl !== containerDefaultTtl) {
    throw new CosmosOpenError(
      `the time to live of ${container.id} must be on, without a default (${containerDefaultTtl})`,
    );
  }
}

/** @throws {CosmosOpenError} when there is none. */
async function readContainer(container: Container, abortSignal: AbortSignal) {
  try {
    return await container.read({ abortSignal });
  } catch (error) {
    if (failureFrom(error).status !== 404) throw error;
    throw new CosmosOpenError(
      `there is no container ${container.id} in a database ${container.database.id}; ` +
        "the deployment must create them",
    );
  }
}

/** There is nobody at that address, or no way to it; while it is being opened, that is no fault that passes. */
const noWay = new Set(["ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * The SDK resends by the `code` of what its HTTP client throws, a write as well when there is none (the endpoint discovery
 * takes `REQUEST_SEND_ERROR`, which is any error without a code, for a region that is gone). Where an account moves single
 * partitions to another region it also resends a write that was answered with 503, which may have been carried out. A write
 * that was sent twice behind our back would be a conflict with itself. So only what surely wasn't carried out gets through to
 * it: a name that isn't found, and 403, by which a region says that it takes no writes any more.
 */
function withoutResending(http: HttpClient, onUnreachable: (code: string) => void): HttpClient {
  return {
    sendRequest: async (request) => {
      let response: PipelineResponse;
      try {
        response = await http.sendRequest(request);
      } catch (error) {
        const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
        if (typeof code === "string" && noWay.has(code)) onUnreachable(code);
        if (name === "AbortError" || code === "ENOTFOUND") throw error;
        const remark = typeof code === "string" && /^E[A-Z_]+$/.test(code) ? ` (${code})` : "";
        throw new CosmosFailure("unanswered", `the connection to Cosmos DB was lost${remark}`);
      }
      if (response.status === 503 && isWrite(request)) {
        throw failedAnswer(response.status, response.headers.toJSON());
      }
      if (response.status < 400 && isEmpty(request, response)) {
        throw new CosmosFailure("unanswered", "Cosmos DB answered with nothing");
      }
      return response.status < 400 || isJsonObject(response.bodyAsText)
        ? response
        : // of something between us and the service; the SDK would throw it as a fault in JSON, with its text
          { ...response, bodyAsText: "{}" };
    },
  };
}

function isWrite({ method, headers }: PipelineRequest): boolean {
  return method !== "GET" && !headers.has("x-ms-documentdb-isquery");
}

/** The SDK would take it for an absent item or an empty page. Only what was deleted leaves nothing to tell. */
function isEmpty({ method }: PipelineRequest, { status, bodyAsText }: PipelineResponse): boolean {
  if (status === 204) return method !== "DELETE";
  return ["", "null"].includes(bodyAsText?.trim() ?? "");
}

function isJsonObject(text: string | null | undefined): boolean {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
