/**
 * The API of an installed cluster, as far as the steps need it, by the Kubernetes client. The client is loaded with the first
 * cluster that is asked: it takes about a second of the processor and 90 MB of memory, which a process without such work saves.
 *
 * A cluster belongs to its user, so its answers are not to be trusted: they are bounded in time and size, redirects are not
 * followed, certificates are always checked. It must never show what a cluster was sent or what it answered, except a reason.
 */
import { Agent, request as startRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { createSecureContext, type SecureContext } from "node:tls";
import type {
  CoreV1Api,
  CustomObjectsApi,
  RequestContext,
  ResponseContext,
} from "@kubernetes/client-node";
import { z } from "zod";
import { TransientError } from "../../../model/rpError.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { deadlineSignal } from "../../../runtime/deadlineSignal.ts";
import { KubeconfigError, readKubeconfig, type ClusterAccess } from "./kubeconfig.ts";

/** Of one call, from its begin to the last byte of its answer. */
export const callMs = 30_000;
/** A list of some thousand machines. */
export const answerBytesMax = 16 * 1024 * 1024;

/**
 * The cluster's API didn't do what it was asked: it was not reached, refused, or gave no usable answer. The message is for
 * users, and holds no secret.
 */
export class ClusterApiError extends TransientError {
  override readonly name = "ClusterApiError";
  /** Of HTTP; absent when there was no whole answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** A kind of resource that an operator of the cluster defines. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  /** In the plural. */
  readonly plural: string;
  /** Absent: it lies in none. */
  readonly namespace?: string;
}

/** The same, but that it lies in a namespace. */
export type NamespacedKind = ResourceKind & { readonly namespace: string };

export interface ClusterApiOptions {
  readonly kubeconfig: string;
  readonly clock: Clock;
  /** Ends every call, with its own reason. */
  readonly signal: AbortSignal;
}

const mapForm = z.record(z.string(), z.string());
const dataForm = z.looseObject({ data: mapForm.optional() });
const listForm = z.looseObject({ items: z.array(z.unknown()) });
const reasonForm = z.looseObject({ reason: z.string().regex(/^[A-Za-z]{1,100}$/) });

/** All of it throws a `ClusterApiError`, or the reason of the signal. Dispose of it to close its connections. */
export class ClusterApi implements Disposable {
  readonly #core: CoreV1Api;
  readonly #custom: CustomObjectsApi;
  readonly #agent: Agent;
  readonly #signal: AbortSignal;
  readonly #mergePatch: MergePatchOptions;

  private constructor(
    made: {
      readonly core: CoreV1Api;
      readonly custom: CustomObjectsApi;
      readonly agent: Agent;
      readonly mergePatch: MergePatchOptions;
    },
    signal: AbortSignal,
  ) {
    this.#core = made.core;
    this.#custom = made.custom;
    this.#agent = made.agent;
    this.#mergePatch = made.mergePatch;
    this.#signal = signal;
  }

  /**
   * Nothing is called yet.
   *
   * @throws {KubeconfigError}
   */
  static async open({ kubeconfig, clock, signal }: ClusterApiOptions): Promise<ClusterApi> {
    const access = readKubeconfig(kubeconfig);
    const client = await import("@kubernetes/client-node");
    const agent = agentFor(access);
    const send = async (request: RequestContext): Promise<ResponseContext> => {
      const { status, body } = await answerTo(request, { access, agent, clock, signal });
      return new client.ResponseContext(
        status,
        { "content-type": "application/json" },
        new client.SelfDecodingBody(Promise.resolve(body)),
      );
    };
    const configuration = client.createConfiguration({
      baseServer: new client.ServerConfiguration(access.server, {}),
      httpApi: client.wrapHttpLibrary({ send }),
    });
    return new ClusterApi(
      {
        core: new client.CoreV1Api(configuration),
        custom: new client.CustomObjectsApi(configuration),
        agent,
        mergePatch: client.setHeaderOptions("Content-Type", client.PatchStrategy.MergePatch),
      },
      signal,
    );
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** @returns its data, or nothing when there is no such config map. */
  async configMap(
    namespace: string,
    name: string,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    return await this.#found(async () =>
      dataOf(await this.#core.readNamespacedConfigMap({ namespace, name })),
    );
  }

  /** @returns its data in base64, or nothing when there is no such secret. */
  async secret(
    namespace: string,
    name: string,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    return await this.#found(async () =>
      dataOf(await this.#core.readNamespacedSecret({ namespace, name })),
    );
  }

  /** Sets some of a secret's data, in base64; the rest stays. */
  async changeSecret(
    namespace: string,
    name: string,
    data: Readonly<Record<string, string>>,
  ): Promise<void> {
    await this.#call(async () =>
      this.#core.patchNamespacedSecret({ namespace, name, body: { data } }, this.#mergePatch),
    );
  }

  /** The addresses at which a service can be reached from outside; nothing when there is no such service. */
  async serviceAddresses(namespace: string, name: string): Promise<readonly string[] | undefined> {
    return await this.#found(async () => {
      const service = await this.#core.readNamespacedService({ namespace, name });
      const ingress = service.status?.loadBalancer?.ingress ?? [];
      return ingress.flatMap(({ ip }) => (typeof ip === "string" ? [ip] : []));
    });
  }

  /** @returns nothing when there is none of that name, or the cluster doesn't know its kind yet. */
  async resource(kind: ResourceKind, name: string): Promise<unknown> {
    const { group, version, plural, namespace } = kind;
    return await this.#found(async () =>
      namespace === undefined
        ? await this.#custom.getClusterCustomObject({ group, version, plural, name })
        : await this.#custom.getNamespacedCustomObject({ group, version, plural, name, namespace }),
    );
  }

  /** Those with these labels, in Kubernetes's language of selectors. */
  async resources(kind: NamespacedKind, labelSelector: string): Promise<readonly unknown[]> {
    return await this.#call(async () => {
      const list: unknown = await this.#custom.listNamespacedCustomObject({
        ...kind,
        labelSelector,
      });
      return listForm.parse(list).items;
    });
  }

  /**
   * Changes a resource by a merge patch. With a `metadata.resourceVersion` in it, the API refuses by 409 when the resource
   * has changed since.
   */
  async changeResource(kind: NamespacedKind, name: string, patch: object): Promise<void> {
    await this.#call(async () =>
      this.#custom.patchNamespacedCustomObject({ ...kind, name, body: patch }, this.#mergePatch),
    );
  }

  async #found<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#call(read);
    } catch (error) {
      if (error instanceof ClusterApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #call<T>(begin: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    try {
      return await begin();
    } catch (error) {
      if (error instanceof ClusterApiError) throw error;
      this.#signal.throwIfAborted();
      // of the client, whose words repeat the answer
      throw new ClusterApiError("The cluster's API gave an answer that can't be read.");
    }
  }
}

/** Options of one call of the client. */
type MergePatchOptions = Parameters<CoreV1Api["patchNamespacedSecret"]>[1];

function dataOf(read: unknown): Readonly<Record<string, string>> {
  return dataForm.parse(read).data ?? {};
}

function agentFor(access: ClusterAccess): Agent {
  const { serverName } = access;
  return new Agent({
    keepAlive: true,
    maxSockets: 2,
    // whatever the environment says
    rejectUnauthorized: true,
    secureContext: secureContextFor(access),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
}

function secureContextFor({
  certificateAuthority,
  clientCertificate,
}: ClusterAccess): SecureContext {
  try {
    return createSecureContext({
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
      ...(clientCertificate === undefined
        ? {}
        : { cert: clientCertificate.certificate, key: clientCertificate.key }),
    });
  } catch {
    // the library's words may say which
    throw new KubeconfigError("The kubeconfig of the cluster has unusable certificates.");
  }
}

interface Answer {
  /** 200 to 299. */
  readonly status: number;
  readonly body: Buffer;
}

/** @throws {ClusterApiError} for every other status too. */
async function answerTo(
  request: RequestContext,
  options: {
    readonly access: ClusterAccess;
    readonly agent: Agent;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Answer> {
  const { access, agent, clock, signal } = options;
  using limit = deadlineSignal({
    clock,
    afterMs: callMs,
    reason: () =>
      new ClusterApiError(`The cluster's API did not answer within ${callMs / 1000} seconds.`),
    parents: [signal],
  });
  try {
    const answer = await sent(request, { access, agent, signal: limit.signal });
    const body = await bodyOf(answer);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw refusal(status, body);
    return { status, body };
  } catch (error) {
    if (error instanceof ClusterApiError) throw error;
    limit.signal.throwIfAborted();
    throw new ClusterApiError(`The cluster's API can't be reached: ${codeOf(error)}.`);
  }
}

async function sent(
  request: RequestContext,
  options: {
    readonly access: ClusterAccess;
    readonly agent: Agent;
    readonly signal: AbortSignal;
  },
): Promise<IncomingMessage> {
  const { access, agent, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = request.getBody();
  const outgoing = startRequest(request.getUrl(), {
    method: request.getHttpMethod(),
    headers: {
      ...request.getHeaders(),
      "user-agent": "openshift-resource-provider",
      ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
    },
    agent,
    signal,
  });
  outgoing.on("response", resolve);
  outgoing.on("error", reject);
  outgoing.end(typeof body === "string" ? body : undefined);
  return await promise;
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // ends with an error when the signal is aborted or the connection breaks
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerBytesMax) {
      throw new ClusterApiError("The cluster's API gave an answer that is too large.");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal(status: number, body: Buffer): ClusterApiError {
  const reason = reasonOf(body);
  const told = reason === undefined ? String(status) : `${status} ${reason}`;
  return new ClusterApiError(`The cluster's API answered ${told}.`, status);
}

/** The one word of an answer's `reason`. */
function reasonOf(body: Buffer): string | undefined {
  try {
    return reasonForm.parse(JSON.parse(body.toString("utf8"))).reason;
  } catch {
    return undefined;
  }
}

/** Such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`: the whole message may hold addresses, and names of a certificate. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "the connection broke";
}
