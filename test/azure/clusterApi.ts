/**
 * The APIs of the stand-in's clusters, below `/clusters/{infra id}`: whatever a cluster has can be read and changed by whoever
 * shows an administrator's certificate of that very cluster. It must answer like an API server, mistakes of the caller included.
 */
import { X509Certificate } from "node:crypto";
import type { AzureAnswer, AzureRequest, AzureService, AzureSurroundings } from "./azureService.ts";
import {
  StatusError,
  type KubernetesObject,
  type KubernetesObjects,
  type Place,
} from "./kubernetesObjects.ts";
import { LocalCluster, type CredentialChecks } from "./localCluster.ts";

const bootstrapName = /^(.+)-bootstrap$/;
const machineType = "microsoft.compute/virtualmachines";

export class ClusterApi implements AzureService {
  readonly #surroundings: AzureSurroundings;
  readonly #clusters = new Map<string, LocalCluster>();

  /** @param blobs answers for the addresses of machines' configs. */
  constructor(surroundings: AzureSurroundings, blobs: AzureService, checks: CredentialChecks) {
    this.#surroundings = surroundings;
    surroundings.state.onChanged(({ after }) => {
      const isMachine = after?.type.toLowerCase() === machineType;
      const infraId = isMachine ? bootstrapName.exec(after.name)?.[1]?.toLowerCase() : undefined;
      if (infraId !== undefined && !this.#clusters.has(infraId)) {
        this.#clusters.set(infraId, new LocalCluster(infraId, surroundings, { blobs, checks }));
      }
      this.#lookAtAll();
    });
  }

  async handle(request: AzureRequest): Promise<AzureAnswer | undefined> {
    const [, first, infraId = "", ...path] = request.url.pathname
      .split("/")
      .map(decodeURIComponent);
    if (first !== "clusters") return undefined;
    try {
      const cluster = this.#clusters.get(infraId.toLowerCase());
      if (cluster === undefined) throw unavailable(`there is no cluster ${infraId}`);
      const opened = await cluster.open();
      if (typeof opened === "string") throw unavailable(opened);
      authenticate(request, opened.adminAuthority);
      return this.#answer(request, path, { cluster, objects: opened.objects });
    } catch (error) {
      if (error instanceof StatusError) return failure(error);
      throw error;
    }
  }

  /** What a cluster begins with comes one by one, in any order. */
  #lookAtAll(): void {
    for (const [infraId, cluster] of this.#clusters) {
      void cluster.begin();
      // later: a resource that is replaced is there again at once
      queueMicrotask(() => {
        if (cluster.exists || !this.#isGone(infraId)) return;
        cluster.end();
        this.#clusters.delete(infraId);
      });
    }
  }

  /** Also of machines that are only being made. */
  #isGone(infraId: string): boolean {
    const name = `${infraId}-bootstrap`;
    return !this.#surroundings.state
      .list()
      .some((each) => each.type.toLowerCase() === machineType && each.name.toLowerCase() === name);
  }

  #answer(
    request: AzureRequest,
    path: readonly string[],
    opened: { readonly cluster: LocalCluster; readonly objects: KubernetesObjects },
  ): AzureAnswer {
    const { cluster, objects } = opened;
    if (["healthz", "livez", "readyz"].includes(path.join("/"))) {
      return { status: 200, headers: { "content-type": "text/plain" }, body: "ok" };
    }
    if (path.join("/") === "version") {
      return { status: 200, body: { major: "1", minor: "29", gitVersion: "v1.29.10" } };
    }
    const { place, name } = targetOf(path);
    const { method } = request;
    if (method === "GET") {
      if (name !== undefined) return { status: 200, body: objects.get(place, name) };
      const items = objects.list(place, request.url.searchParams.get("labelSelector") ?? "");
      return { status: 200, body: { apiVersion: "v1", kind: "List", metadata: {}, items } };
    }
    const answer = change(request, { place, name, objects });
    void cluster.changed();
    return answer;
  }
}

function change(
  request: AzureRequest,
  target: {
    readonly place: Place;
    readonly name: string | undefined;
    readonly objects: KubernetesObjects;
  },
): AzureAnswer {
  const { place, name, objects } = target;
  const { method } = request;
  if (name === undefined)
    throw new StatusError(405, "MethodNotAllowed", `${method} is not allowed`);
  switch (method) {
    case "PATCH": {
      const type = String(request.headers["content-type"]).split(";")[0] ?? "";
      // lists that merge by a key, as in the strategic kind, aren't known here
      if (type !== "application/merge-patch+json") {
        const message = `the body of the request was in an unknown format: ${type}`;
        throw new StatusError(415, "UnsupportedMediaType", message);
      }
      return { status: 200, body: objects.patch(place, name, bodyOf(request)) };
    }
    case "PUT":
      return {
        status: 200,
        body: objects.replace(place, name, bodyOf(request) as KubernetesObject),
      };
    default:
      throw new StatusError(405, "MethodNotAllowed", `${method} is not allowed`);
  }
}

function targetOf(path: readonly string[]): {
  readonly place: Place;
  readonly name: string | undefined;
} {
  const [root, ...below] = path;
  const [group, version, ...rest] = root === "apis" ? below : ["", ...below];
  if ((root !== "api" && root !== "apis") || version === undefined || group === undefined) {
    throw new StatusError(404, "NotFound", "the server could not find the requested resource");
  }
  const isNamespaced = rest[0] === "namespaces" && rest.length > 2;
  const [namespace] = isNamespaced ? rest.slice(1) : [];
  const [plural, name, ...more] = isNamespaced ? rest.slice(2) : rest;
  if (plural === undefined || more.length > 0) {
    throw new StatusError(404, "NotFound", "the server could not find the requested resource");
  }
  return {
    place: { group, plural, ...(namespace === undefined ? {} : { namespace }) },
    name,
  };
}

function bodyOf({ body }: AzureRequest): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new StatusError(400, "BadRequest", "the body of the request is not JSON");
  }
}

/** Times of certificates aren't looked at: they are the machine's, whatever the stand-in's clock says. */
function authenticate({ clientCertificate }: AzureRequest, adminAuthority: string | undefined) {
  const unauthorized = new StatusError(401, "Unauthorized", "Unauthorized");
  if (clientCertificate === undefined || adminAuthority === undefined) throw unauthorized;
  const shown = new X509Certificate(clientCertificate);
  const authority = new X509Certificate(adminAuthority);
  if (!shown.checkIssued(authority) || !shown.verify(authority.publicKey)) throw unauthorized;
  if (shown.subject.split("\n").includes("O=system:masters")) return;
  throw new StatusError(403, "Forbidden", "the user is no administrator");
}

/** As of a load balancer with nobody behind it. */
function unavailable(why: string): StatusError {
  return new StatusError(503, "ServiceUnavailable", why);
}

function failure({ status, reason, message }: StatusError): AzureAnswer {
  return {
    status,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      code: status,
    },
  };
}
