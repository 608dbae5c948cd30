/**
 * The blob service of the stand-in's storage accounts, below `/{account}`: containers, whole blobs, and copies that go on in
 * the background. It must let nobody in without a right signature of the account, and fetches nothing: what a copy's source
 * holds is made up.
 */
import { randomUUID } from "node:crypto";
import type { AzureAnswer, AzureRequest, AzureService, AzureSurroundings } from "./azureService.ts";
import type { AzureResource } from "./azureState.ts";
import {
  answer,
  blobElement,
  BlobError,
  blobHeaders,
  element,
  errorAnswer,
  xmlAnswer,
  type DescribedBlob,
} from "./blobAnswers.ts";
import { isSignedWith, queryOf, sasFault } from "./sharedKey.ts";

interface Copy {
  readonly id: string;
  readonly source: string;
  readonly startedAt: number;
  readonly aborted: boolean;
}

interface Blob extends Omit<DescribedBlob, "copy"> {
  readonly copying?: Copy;
}

/** What a request is about. */
interface Target {
  readonly account: AzureResource;
  /** Absent: the account itself. */
  readonly container?: string;
  /** Absent: the container itself. */
  readonly blob?: string;
}

const accountType = "microsoft.storage/storageaccounts";
const containerType = "Microsoft.Storage/storageAccounts/blobServices/containers";
const listMax = 5000;
/** What a copy makes: an image would be of many gigabytes. */
const copiedContent = Buffer.from("a copied image");

/** Blobs are gone with their container or account, whoever deletes it. */
export class BlobService implements AzureService {
  readonly #surroundings: AzureSurroundings;
  /** By the container's id in small letters, and name. */
  readonly #containers = new Map<string, Map<string, Blob>>();
  #etags = 0;

  constructor(surroundings: AzureSurroundings) {
    this.#surroundings = surroundings;
    surroundings.state.onChanged(({ before, after }) => {
      if (after !== undefined || before === undefined) return;
      const gone = before.id.toLowerCase();
      for (const id of this.#containers.keys()) {
        if (id === gone || id.startsWith(`${gone}/`)) this.#containers.delete(id);
      }
    });
  }

  async handle(request: AzureRequest): Promise<AzureAnswer | undefined> {
    const target = this.#targetOf(request.url);
    if (target === undefined) return undefined;
    try {
      this.#authorize(request, target);
      return this.#answer(request, target);
    } catch (error) {
      if (error instanceof BlobError) return errorAnswer(error, request.method);
      throw error;
    }
  }

  #targetOf(url: URL): Target | undefined {
    const [, name = "", container, ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const account = this.#surroundings.state
      .list()
      .find((each) => each.type.toLowerCase() === accountType && each.name === name);
    if (account === undefined) return undefined;
    const blob = rest.join("/");
    return {
      account,
      ...(container === undefined || container === "" ? {} : { container }),
      ...(blob === "" ? {} : { blob }),
    };
  }

  /** The date of a signed request isn't looked at: clients take it from the machine's clock, whatever the stand-in's. */
  #authorize(request: AzureRequest, target: Target): void {
    const { account, container, blob } = target;
    const key = this.#surroundings.accountKeys.of(account.name);
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      if (account.properties["allowSharedKeyAccess"] === false) {
        throw new BlobError(
          403,
          "KeyBasedAuthenticationNotPermitted",
          "Key based authentication is not permitted on this storage account.",
        );
      }
      if (isSignedWith(request, account.name, key)) return;
      throw authenticationFailed("The MAC signature found in the HTTP request is not the same.");
    }
    if (queryOf(request.url).has("sig") && container !== undefined) {
      const fault = sasFault(request.url, {
        account: account.name,
        key,
        container,
        ...(blob === undefined ? {} : { blob }),
        permissions: this.#permissionsFor(request, target),
        now: this.#surroundings.clock.now(),
      });
      if (fault === undefined) return;
      throw new BlobError(403, fault.code, fault.message);
    }
    if (account.properties["allowBlobPublicAccess"] === false) {
      const message = "Public access is not permitted on this storage account.";
      throw new BlobError(409, "PublicAccessNotPermitted", message);
    }
    const access = this.#containerOf(account, container)?.properties["publicAccess"];
    const reads = request.method === "GET" || request.method === "HEAD";
    if (reads && (access === "Container" || (access === "Blob" && blob !== undefined))) return;
    throw new BlobError(404, "ResourceNotFound", "The specified resource does not exist.");
  }

  #permissionsFor({ method }: AzureRequest, { account, container, blob }: Target): string {
    if (blob === undefined) return "l";
    if (method === "DELETE") return "d";
    if (method !== "PUT") return "r";
    const id = containerId(account, container ?? "").toLowerCase();
    return this.#containers.get(id)?.has(blob) === true ? "w" : "wc";
  }

  #answer(request: AzureRequest, target: Target): AzureAnswer {
    const query = queryOf(request.url);
    const { account, container, blob } = target;
    if (container === undefined) return this.#answerForAccount(request, account);
    if (blob === undefined) return this.#answerForContainer(request, account, container);
    const blobs = this.#blobsOf(account, container);
    switch (request.method) {
      case "GET":
      case "HEAD":
        return this.#read(request, blobs, blob);
      case "DELETE":
        this.#precondition(request, this.#existing(blobs, blob));
        blobs.delete(blob);
        return answer(202);
      case "PUT":
        if (query.get("comp") === "copy") return this.#abortCopy(request, blobs, blob);
        if (query.has("comp")) throw notImplemented(request);
        return request.headers["x-ms-copy-source"] === undefined
          ? this.#write(request, blobs, blob)
          : this.#copy(request, blobs, blob);
      default:
        throw notImplemented(request);
    }
  }

  #answerForAccount(request: AzureRequest, account: AzureResource): AzureAnswer {
    if (request.method !== "GET" || queryOf(request.url).get("comp") !== "list") {
      throw notImplemented(request);
    }
    const containers = this.#surroundings.state
      .list(account.id)
      .filter(({ type }) => type.toLowerCase() === containerType.toLowerCase())
      .map(({ name }) => element("Container", element("Name", name)));
    const endpoint = `${this.#surroundings.url}/${account.name}/`;
    return xmlAnswer(
      `<EnumerationResults ServiceEndpoint="${endpoint}">` +
        `<Containers>${containers.join("")}</Containers><NextMarker/></EnumerationResults>`,
    );
  }

  #answerForContainer(request: AzureRequest, account: AzureResource, name: string): AzureAnswer {
    const { state } = this.#surroundings;
    const query = queryOf(request.url);
    if (query.get("restype") !== "container") throw notImplemented(request);
    if (request.method === "PUT" && !query.has("comp")) {
      if (!/^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$/.test(name)) {
        throw new BlobError(400, "InvalidResourceName", "The specified resource name is invalid.");
      }
      if (this.#containerOf(account, name) !== undefined) {
        throw new BlobError(409, "ContainerAlreadyExists", "The container already exists.");
      }
      const id = containerId(account, name);
      state.put({ id, name, type: containerType, properties: { publicAccess: "None" } });
      return answer(201, this.#newStamp().headers);
    }
    const blobs = this.#blobsOf(account, name);
    if (request.method === "DELETE") {
      state.delete(containerId(account, name));
      return answer(202);
    }
    if (request.method !== "GET" && request.method !== "HEAD") throw notImplemented(request);
    if (query.get("comp") === "list") return this.#list(blobs, account, name, query);
    if (query.has("comp")) throw notImplemented(request);
    return answer(200, { etag: '"0"', "last-modified": new Date(0).toUTCString() });
  }

  /** A marker is the name that the page before ended with. */
  #list(
    blobs: ReadonlyMap<string, Blob>,
    account: AzureResource,
    container: string,
    query: ReadonlyMap<string, string>,
  ): AzureAnswer {
    const [prefix, marker] = [query.get("prefix") ?? "", query.get("marker") ?? ""];
    const max = Math.min(Number(query.get("maxresults") ?? listMax), listMax);
    const names = [...blobs.keys()]
      .filter((name) => name.startsWith(prefix) && name > marker)
      .toSorted();
    const page = names.slice(0, max);
    const items = page.map((name) => blobElement(this.#described(this.#existing(blobs, name))));
    const next = names.length > page.length ? (page.at(-1) ?? "") : "";
    const endpoint = `${this.#surroundings.url}/${account.name}/`;
    return xmlAnswer(
      `<EnumerationResults ServiceEndpoint="${endpoint}" ContainerName="${container}">` +
        element("Prefix", prefix) +
        `<Blobs>${items.join("")}</Blobs>${element("NextMarker", next)}</EnumerationResults>`,
    );
  }

  #read(request: AzureRequest, blobs: ReadonlyMap<string, Blob>, name: string): AzureAnswer {
    const blob = this.#described(this.#existing(blobs, name));
    this.#precondition(request, blob);
    const headers = blobHeaders(blob);
    if (request.headers["if-none-match"] === blob.etag) return answer(304, { etag: blob.etag });
    if (request.method === "HEAD") return answer(200, headers);
    const range = request.headers["x-ms-range"] ?? request.headers.range;
    if (range === undefined) return answer(200, headers, blob.content);
    const [, from = "", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(String(range)) ?? [];
    const { length } = blob.content;
    if (from === "" || Number(from) >= length) {
      throw new BlobError(416, "InvalidRange", "The range specified is invalid.");
    }
    const end = Math.min(to === "" ? length : Number(to) + 1, length);
    const part = blob.content.subarray(Number(from), end);
    return answer(
      206,
      {
        ...headers,
        "content-length": String(part.length),
        "content-range": `bytes ${from}-${end - 1}/${length}`,
      },
      part,
    );
  }

  #write(request: AzureRequest, blobs: Map<string, Blob>, name: string): AzureAnswer {
    const { headers, body } = request;
    if (headers["x-ms-blob-type"] !== "BlockBlob") throw notImplemented(request);
    this.#precondition(request, blobs.get(name));
    this.#refusePendingCopy(blobs.get(name));
    const stamp = this.#newStamp();
    const contentType = headers["x-ms-blob-content-type"] ?? headers["content-type"];
    blobs.set(name, {
      ...stamp.blob,
      name,
      content: body,
      contentType: String(contentType ?? "application/octet-stream"),
      kind: "BlockBlob",
      metadata: metadataOf(request),
    });
    return answer(201, { ...stamp.headers, "x-ms-request-server-encrypted": "true" });
  }

  #copy(request: AzureRequest, blobs: Map<string, Blob>, name: string): AzureAnswer {
    const source = String(request.headers["x-ms-copy-source"]);
    const url = URL.parse(source);
    if (url?.protocol !== "https:" && url?.protocol !== "http:") {
      throw new BlobError(400, "InvalidHeaderValue", "The value for x-ms-copy-source is invalid.");
    }
    // of a name that no resolver ever knows
    if (url.hostname.endsWith(".invalid")) {
      const message = "The specified resource does not exist.";
      throw new BlobError(404, "CannotVerifyCopySource", message);
    }
    this.#precondition(request, blobs.get(name));
    this.#refusePendingCopy(blobs.get(name));
    const stamp = this.#newStamp();
    const copying = { id: randomUUID(), source, startedAt: this.#now(), aborted: false };
    blobs.set(name, {
      ...stamp.blob,
      name,
      content: copiedContent,
      contentType: "application/octet-stream",
      kind: url.pathname.endsWith(".vhd") ? "PageBlob" : "BlockBlob",
      metadata: metadataOf(request),
      copying,
    });
    return answer(202, {
      ...stamp.headers,
      "x-ms-copy-id": copying.id,
      "x-ms-copy-status": "pending",
    });
  }

  #abortCopy(request: AzureRequest, blobs: Map<string, Blob>, name: string): AzureAnswer {
    const blob = this.#existing(blobs, name);
    const { copy } = this.#described(blob);
    if (copy?.status !== "pending" || queryOf(request.url).get("copyid") !== copy.id) {
      const message = "There is currently no pending copy operation.";
      throw new BlobError(409, "NoPendingCopyOperation", message);
    }
    if (blob.copying !== undefined) {
      blobs.set(name, { ...blob, copying: { ...blob.copying, aborted: true } });
    }
    return answer(204);
  }

  #refusePendingCopy(blob: Blob | undefined): void {
    if (blob === undefined || this.#described(blob).copy?.status !== "pending") return;
    throw new BlobError(
      409,
      "PendingCopyOperation",
      "There is currently a pending copy operation.",
    );
  }

  /** As it is now: a copy takes its time. */
  #described({ copying, ...blob }: Blob): DescribedBlob {
    if (copying === undefined) return blob;
    const { id, source, startedAt, aborted } = copying;
    const totalBytes = blob.content.length;
    const share = (this.#now() - startedAt) / Math.max(this.#surroundings.operationMs, 1);
    if (!aborted && share >= 1) {
      const copy = { id, source, status: "success", copiedBytes: totalBytes, totalBytes } as const;
      return { ...blob, copy };
    }
    const copiedBytes = aborted ? 0 : Math.floor(share * totalBytes);
    const status = aborted ? "aborted" : "pending";
    const copy = { id, source, status, copiedBytes, totalBytes } as const;
    return { ...blob, content: Buffer.alloc(0), copy };
  }

  #precondition({ method, headers }: AzureRequest, blob: Pick<Blob, "etag"> | undefined): void {
    const match = headers["if-match"];
    const noneMatch = headers["if-none-match"];
    if (method === "PUT" && noneMatch === "*" && blob !== undefined) {
      throw new BlobError(409, "BlobAlreadyExists", "The specified blob already exists.");
    }
    const writes = method === "PUT" || method === "DELETE";
    const excluded = writes && noneMatch !== undefined && noneMatch === blob?.etag;
    const matches = match === undefined || (blob !== undefined && ["*", blob.etag].includes(match));
    if (matches && !excluded) return;
    const message = "The condition specified using HTTP conditional header(s) is not met.";
    throw new BlobError(412, "ConditionNotMet", message);
  }

  #containerOf(account: AzureResource, name: string | undefined): AzureResource | undefined {
    return name === undefined
      ? undefined
      : this.#surroundings.state.get(containerId(account, name));
  }

  #blobsOf(account: AzureResource, container: string): Map<string, Blob> {
    if (this.#containerOf(account, container) === undefined) {
      throw new BlobError(404, "ContainerNotFound", "The specified container does not exist.");
    }
    const id = containerId(account, container).toLowerCase();
    const blobs = this.#containers.get(id) ?? new Map<string, Blob>();
    this.#containers.set(id, blobs);
    return blobs;
  }

  #existing(blobs: ReadonlyMap<string, Blob>, name: string): Blob {
    const blob = blobs.get(name);
    if (blob !== undefined) return blob;
    throw new BlobError(404, "BlobNotFound", "The specified blob does not exist.");
  }

  #now(): number {
    return this.#surroundings.clock.now();
  }

  #newStamp() {
    const blob = {
      etag: `"0x8D${String(++this.#etags).padStart(12, "0")}"`,
      modifiedAt: this.#now(),
    };
    const modified = new Date(blob.modifiedAt).toUTCString();
    return { blob, headers: { etag: blob.etag, "last-modified": modified } };
  }
}

function containerId(account: AzureResource, name: string): string {
  return `${account.id}/blobServices/default/containers/${name}`;
}

function metadataOf({ headers }: AzureRequest): Record<string, string> {
  const start = "x-ms-meta-";
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(start))
      .map(([name, value]) => [name.slice(start.length), String(value)]),
  );
}

function authenticationFailed(message: string): BlobError {
  return new BlobError(403, "AuthenticationFailed", message);
}

function notImplemented({ method, url }: AzureRequest): BlobError {
  return new BlobError(501, "NotImplementedByStandIn", `${method} ${url.pathname}${url.search}`);
}
