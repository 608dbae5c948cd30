/**
 * Azure Key Vault with one secret of one version, over TLS and behind the service's challenge, for real processes: whoever brings no
 * token is told whom to ask for one, and the SDK believes that only of a host below the service's own domain. It must never give
 * the secret without a token.
 */
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A name that the service could have given; whoever is to find it must be told its address. */
export const keyVaultHost = "keys.vault.azure.net";
/** What a token has to be for. */
export const keyVaultResource = "https://vault.azure.net";

export interface KeyVaultPeer extends AsyncDisposable {
  /** With its port, and by its name. */
  readonly url: string;
  /** What was asked with a token, in that order: method and path. */
  readonly requests: readonly string[];
}

/**
 * @param options.tls a certificate for the name.
 * @param options.value of the secret's only version.
 */
export async function startKeyVaultPeer({
  tls,
  token,
  secretName,
  value,
}: {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly token: string;
  readonly secretName: string;
  readonly value: string;
}): Promise<KeyVaultPeer> {
  const requests: string[] = [];
  const server = createServer(tls, ({ method, url = "", headers }, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (headers.authorization !== `Bearer ${token}`) {
      response.setHeader(
        "www-authenticate",
        `Bearer authorization="https://login.microsoftonline.com/tenant", resource="${keyVaultResource}"`,
      );
      answer(401, {});
      return;
    }
    const { pathname } = new URL(url, "https://host");
    requests.push(`${method} ${pathname}`);
    const secret = `/secrets/${secretName}`;
    const version = `${secret}/5ec4e7`;
    const bundle = {
      id: `https://${keyVaultHost}${version}`,
      attributes: { enabled: true, created: 1, updated: 1 },
    };
    if (method === "GET" && pathname === `${secret}/versions`) answer(200, { value: [bundle] });
    else if (method === "GET" && pathname === version) answer(200, { ...bundle, value });
    else answer(404, { error: { code: "SecretNotFound" } });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${keyVaultHost}:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
