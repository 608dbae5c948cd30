/**
 * The authenticator of a listener on a loopback address: whoever uses this machine is let in. Web pages are not: one that is
 * open in a browser here reaches loopback addresses too, under a name of its own that it had resolved to them, or from
 * another origin. It must never be used on any other address.
 */
import type { IncomingMessage } from "node:http";
import { RpError } from "../model/rpError.ts";
import { shown } from "../model/shownText.ts";
import { isLoopbackName } from "./authenticationSettings.ts";
import type { Authenticator, Judgement } from "./authenticator.ts";

/** They have no effect that a page which cannot read the answer could be after. */
const safeMethods = ["GET", "HEAD", "OPTIONS"];

export const loopbackCallers: Authenticator = { judge };

function judge({ headers, method = "" }: IncomingMessage): Judgement {
  const { host, origin } = headers;
  // browsers always say which host they mean
  if (host !== undefined && host !== "" && !leadsHere(host)) {
    return refused(
      `The host '${shown(host)}' is not served: callers are not authenticated here, so the server must be called as ` +
        "localhost, 127.0.0.1 or [::1].",
    );
  }
  const isOfPage = origin !== undefined && !safeMethods.includes(method);
  if (isOfPage && hostOf(origin)?.withPort !== hostOf(`http://${host}`)?.withPort) {
    return refused(
      `Pages of '${shown(origin)}' may not change anything here: callers are not authenticated, so ` +
        "only the server's own page may.",
    );
  }
  return { caller: { isAuthenticated: false } };
}

/** How nearly everybody writes it, who is spared the parsing. */
const plainLoopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])(:[1-5]?\d{1,4})?$/;

function leadsHere(host: string): boolean {
  return plainLoopbackHost.test(host) || isLoopbackName(hostOf(`http://${host}`)?.name ?? "");
}

function hostOf(url: string): { readonly name: string; readonly withPort: string } | undefined {
  const { protocol, hostname, host } = URL.parse(url) ?? {};
  if (protocol !== "http:" || hostname === undefined || host === undefined) return undefined;
  return { name: hostname, withPort: host };
}

function refused(message: string): Judgement {
  return { refusal: new RpError({ code: "Forbidden", message }), reason: message };
}
