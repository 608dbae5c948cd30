/**
 * The blobs of one storage account, for the SDK's real client: over http on loopback, in memory, with conditions kept. It must not
 * know what is in a blob.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { RestError } from "@azure/core-rest-pipeline";
import type { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import { limitingBlobRequests } from "../../../src/installers/azure/requestLimit.ts";
import { systemClock, type Clock } from "../../../src/runtime/clock.ts";
import { resourceManager } from "./azureSnapshot.ts";

export class BlobAnswerer implements AsyncDisposable {
  /** By path, `/{account}/{container}/{blob}`. */
  readonly blobs = new Map<string, Buffer>();
  /** Answers that are to be lost, after the call took effect. */
  lost = 0;
  /** Called before a blob is written. */
  beforeWrite: () => void = () => undefined;
  /** Paths of blobs that are copies, and how far each is. */
  readonly copies = new Map<string, "pending" | "success">();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<BlobAnswerer> {
    const server = createServer();
    const answerer = new BlobAnswerer(server);
    server.on("request", (request, response) => void answerer.#answer(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return answerer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * Where the account is found, as ARM says, and the ranges of subnets by their name.
   *
   * @param others clients of other parts of ARM.
   * @param clock of the limit to a request's time.
   */
  connection(
    ranges: Readonly<Record<string, object>> = {},
    others: object = {},
    clock: Clock = systemClock,
  ): AzureConnection {
    const clients = {
      storage: {
        storageAccounts: {
          getProperties: async (_group: string, account: string) => ({
            primaryEndpoints: { blob: `${this.url}/${account}/` },
          }),
          listKeys: async () => ({ keys: [{ value: Buffer.from("key").toString("base64") }] }),
        },
      },
      network: {
        subnets: {
          get: async (_group: string, _network: string, name: string) => ranges[name] ?? {},
        },
        networkSecurityGroups: { get: absent },
      },
      ...others,
    };
    const endpoints = { resourceManager, authorityHost: "https://login.microsoftonline.com" };
    const blobLimit = limitingBlobRequests({ clock, limitMs: 60_000 });
    return { endpoints, blobLimit, of: () => clients } as unknown as AzureConnection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const body = Buffer.concat(await request.toArray());
    const known = this.blobs.get(path);
    if (request.method === "PUT") {
      this.beforeWrite();
      const isThere = this.blobs.has(path);
      if (isThere && request.headers["if-none-match"] === "*") {
        failed(response, 409, "BlobAlreadyExists");
        return;
      }
      const match = request.headers["if-match"];
      if (match !== undefined && (known === undefined || match !== etagOf(known))) {
        failed(response, 412, "ConditionNotMet");
        return;
      }
      this.blobs.set(path, body);
      if (request.headers["x-ms-copy-source"] !== undefined) {
        this.copies.set(path, "pending");
        const headers = { "x-ms-copy-id": "1", "x-ms-copy-status": "pending" };
        response.writeHead(202, { ...headers, "content-length": 0 }).end();
        return;
      }
      if (this.lost > 0) {
        this.lost -= 1;
        request.socket.destroy();
        return;
      }
      response.writeHead(201, { etag: etagOf(body), "content-length": 0 }).end();
      return;
    }
    if (known === undefined) {
      failed(response, 404, "BlobNotFound");
      return;
    }
    if (request.method === "DELETE") {
      this.blobs.delete(path);
      response.writeHead(202, { "content-length": 0 }).end();
      return;
    }
    const copyStatus = this.copies.get(path);
    response.writeHead(200, {
      etag: etagOf(known),
      "content-length": known.length,
      ...(copyStatus === undefined ? {} : { "x-ms-copy-status": copyStatus }),
    });
    response.end(known);
  }
}

/** As ARM answers for what isn't there. */
export async function absent(): Promise<never> {
  throw new RestError("The resource was not found.", {
    statusCode: 404,
    code: "ResourceNotFound",
  });
}

function etagOf(blob: Buffer): string {
  return `"${createHash("sha256").update(blob).digest("hex")}"`;
}

function failed(response: ServerResponse, status: number, code: string): void {
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml", "x-ms-error-code": code });
  response.end(text);
}
