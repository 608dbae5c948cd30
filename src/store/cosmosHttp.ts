/**
 * The HTTP client under the SDK of Cosmos DB. The one that comes with it can do what no request of ours needs — streams, compression,
 * progress, redirection — and takes a good part of a point read for it. This one sends a text and reads a text, over the connections
 * that the SDK keeps open. It must never resend, nor throw an error that holds a request.
 */
import http from "node:http";
import https from "node:https";
import type {
  Agent,
  HttpClient,
  HttpHeaders,
  PipelineRequest,
  PipelineResponse,
  RawHttpHeadersInput,
} from "@azure/core-rest-pipeline";

/** The SDK knows by this name that it was its own signal. */
class GivenUpError extends Error {
  override readonly name = "AbortError";
}

/** @param headersOf makes what the SDK reads an answer's headers from. */
export function plainHttpClient(headersOf: (raw: RawHttpHeadersInput) => HttpHeaders): HttpClient {
  return {
    sendRequest: async (request) => {
      const { abortSignal } = request;
      const { promise, resolve, reject } = Promise.withResolvers<PipelineResponse>();
      const outgoing = begin(request);
      const giveUp = (): void => {
        const error = new GivenUpError("the request was given up");
        outgoing.destroy(error);
        reject(error);
      };
      outgoing.on("error", reject);
      outgoing.on("response", (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        // also when the connection ends before the answer does
        incoming.on("error", reject);
        incoming.on("end", () => {
          resolve({
            request,
            status: incoming.statusCode ?? 0,
            headers: headersOf(rawHeaders(incoming.headers)),
            bodyAsText: Buffer.concat(chunks).toString(),
          });
        });
      });
      if (abortSignal?.aborted === true) giveUp();
      abortSignal?.addEventListener("abort", giveUp);
      try {
        outgoing.end(request.body);
        return await promise;
      } finally {
        abortSignal?.removeEventListener("abort", giveUp);
      }
    },
  };
}

function begin(request: PipelineRequest): http.ClientRequest {
  const { hostname, port, pathname, search, protocol } = new URL(request.url);
  const options: https.RequestOptions = {
    // brackets are of URLs only
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    path: `${pathname}${search}`,
    method: request.method,
    headers: request.headers.toJSON({ preserveCase: true }),
    agent: request.agent as Agent & https.Agent,
  };
  return protocol === "http:" ? http.request(options) : https.request(options);
}

function rawHeaders(headers: http.IncomingHttpHeaders): RawHttpHeadersInput {
  const raw: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) raw[name] = String(value);
  }
  return raw;
}
