/**
 * Azure as far as one test needs it: an https server on loopback that answers as the test says, for the SDKs' real clients. It knows
 * nothing of Azure by itself.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import type { AzureEffects } from "../../../src/installers/azure/azureEffects.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { TestAuthority } from "../../listener/testAuthority.ts";

export interface ScriptedRequest {
  readonly method: string;
  /** Without its query, in lower case: ARM doesn't tell cases apart. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Script = (request: ScriptedRequest) => ScriptedAnswer | undefined;

const notFound: ScriptedAnswer = {
  status: 404,
  body: { error: { code: "ResourceNotFound", message: "The resource was not found." } },
};

export class ScriptedAzure implements AsyncDisposable {
  /** Method and path of each request, in order. */
  readonly calls: string[] = [];
  /** What is answered; 404 where it says nothing. */
  script: Script = () => undefined;
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<ScriptedAzure> {
    const notAfter = new Date(Date.now() + 24 * 3_600_000);
    const authority = await TestAuthority.create({
      // of two authorities with one name the process would try the first alone
      subject: [{ CN: [`scripted Azure ${randomUUID()}`] }],
      purpose: "authority",
      notAfter,
    });
    const server = createServer(
      await authority.issue({ subject: [{ CN: ["localhost"] }], purpose: "server", notAfter }),
    );
    setDefaultCACertificates([...getCACertificates("default"), authority.cert]);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const azure = new ScriptedAzure(server);
    server.on("request", (message, response) => {
      void (async () => {
        const parts: Buffer[] = [];
        for await (const part of message) parts.push(part as Buffer);
        const text = Buffer.concat(parts).toString();
        const url = new URL(message.url ?? "/", azure.url);
        const request = {
          method: message.method ?? "GET",
          path: decodeURIComponent(url.pathname).toLowerCase(),
          query: url.searchParams,
          body: text.startsWith("{") ? (JSON.parse(text) as unknown) : text,
          headers: message.headers,
        };
        azure.calls.push(`${request.method} ${request.path}`);
        const answer = azure.script(request) ?? notFound;
        response.writeHead(answer.status, {
          "content-type": "application/json",
          ...answer.headers,
        });
        response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
      })();
    });
    return azure;
  }

  /** Of the steps. */
  effects(): AzureEffects {
    const azure = new AzureConnection(
      { resourceManager: this.url, authorityHost: this.url },
      {
        clock: systemClock,
        credential: () => ({
          getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
        }),
      },
    );
    return {
      azure,
      pollMs: 10_000,
      random: { fraction: () => 0 },
      settings: {
        dnsZone: {
          subscriptionId: "99999999-0000-4000-8000-000000000009",
          resourceGroup: "dns",
          name: "example.com",
        },
        installProgram: "/nowhere",
      },
    } as unknown as AzureEffects;
  }

  /** The calls that change something, since it was asked last. */
  changes(): readonly string[] {
    return this.calls.splice(0).filter((call) => !/^(GET|HEAD) /.test(call));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
