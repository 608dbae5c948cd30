/** Calls a listener over TLS, on a connection of its own unless an agent is given. */
import { request, type Agent, type RequestOptions } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import type { Identity } from "./testAuthority.ts";

export interface TlsCall extends Pick<RequestOptions, "maxVersion" | "minVersion" | "ciphers"> {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Shown by the caller; nothing if absent. */
  readonly identity?: Identity | undefined;
  /** Of the server. */
  readonly ca: string;
  readonly agent?: Agent;
}

export interface TlsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of any form
  readonly body: any;
}

/** @throws {Error} when the connection fails. */
export async function callOverTls(url: string, call: TlsCall): Promise<TlsAnswer> {
  const { identity, body, method = "GET", headers = {}, ...options } = call;
  const { promise, resolve, reject } = Promise.withResolvers<TlsAnswer>();
  const asked = request(
    url,
    {
      agent: false,
      servername: "localhost",
      ...options,
      method,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(identity === undefined ? {} : { cert: identity.cert, key: identity.key }),
    },
    (response) => {
      text(response).then(
        (answer) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: answer.startsWith("{") ? JSON.parse(answer) : answer,
          }),
        reject,
      );
    },
  );
  asked.on("error", reject);
  asked.end(body);
  return promise;
}
