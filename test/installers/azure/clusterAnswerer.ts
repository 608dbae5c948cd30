/**
 * Stands in for the API server of a cluster: an https server of its own authority on loopback, which asks for the administrator's
 * certificate and answers as a test says. It knows nothing of Kubernetes.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { stringify } from "yaml";
import { TestAuthority } from "../../listener/testAuthority.ts";

export interface ClusterCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Whether the administrator's certificate came with it. */
  readonly isAdmin: boolean;
}

export interface ClusterAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is, or to be made JSON. */
  readonly body?: unknown;
}

/** `hang`: headers never come; `break`: the connection is closed; otherwise by hand. */
export type Reply =
  | ClusterAnswer
  | "hang"
  | "break"
  | ((response: ServerResponse) => void | Promise<void>);

/** The members of a kubeconfig's only cluster and user, to be replaced. */
export interface KubeconfigChanges {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
}

export class ClusterAnswerer implements AsyncDisposable {
  readonly calls: ClusterCall[] = [];
  /** What every call gets. */
  reply: (call: ClusterCall) => Reply = () => ({ status: 404 });
  readonly #server: ReturnType<typeof createServer>;
  readonly #authority: TestAuthority;
  readonly #admin: { readonly cert: string; readonly key: string };

  private constructor(
    authority: TestAuthority,
    identities: Readonly<
      Record<"server" | "admin", { readonly cert: string; readonly key: string }>
    >,
  ) {
    this.#authority = authority;
    this.#admin = identities.admin;
    const { cert, key } = identities.server;
    this.#server = createServer(
      { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => void this.#answer(request, response),
    );
  }

  static async start(): Promise<ClusterAnswerer> {
    const authority = await TestAuthority.create();
    const answerer = new ClusterAnswerer(authority, {
      server: await authority.issue({ subject: [{ CN: ["api"] }], purpose: "server" }),
      admin: await authority.issue({ subject: [{ CN: ["system:admin"] }], purpose: "client" }),
    });
    answerer.#server.listen(0, "127.0.0.1");
    await once(answerer.#server, "listening");
    return answerer;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** As `openshift-install` writes it. */
  kubeconfig({ cluster, user }: KubeconfigChanges = {}): string {
    return stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "first",
          cluster: {
            "certificate-authority-data": base64(this.#authority.cert),
            server: this.url,
            ...cluster,
          },
        },
      ],
      contexts: [{ name: "admin", context: { cluster: "first", user: "admin" } }],
      "current-context": "admin",
      preferences: {},
      users: [
        {
          name: "admin",
          user: user ?? {
            "client-certificate-data": base64(this.#admin.cert),
            "client-key-data": base64(this.#admin.key),
          },
        },
      ],
    });
  }

  /** The calls as `GET /path`, without those that were taken before. */
  takeCalls(): string[] {
    return this.calls.splice(0).map(({ method, path }) => `${method} ${path}`);
  }

  /** No more connections; those that are open are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const call: ClusterCall = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString("utf8"),
      isAdmin: (request.socket as TLSSocket).authorized,
    };
    this.calls.push(call);
    const reply = this.reply(call);
    if (reply === "hang") return;
    if (reply === "break") {
      response.destroy();
      return;
    }
    if (typeof reply === "function") {
      await reply(response);
      return;
    }
    const { status = 200, headers = { "content-type": "application/json" }, body = {} } = reply;
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
