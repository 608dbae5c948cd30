/**
 * Under which scheme, host and port the caller sees us: links in answers are built on it, so that they lead through ARM
 * when ARM called (ARM-76, decision 16). Only the origin of the `Referer` is taken, never its path or query.
 */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

/** An http(s) origin such as `https://management.azure.com`. */
export function callerOrigin(request: IncomingMessage): string {
  return (
    httpOrigin(request.headers.referer) ??
    httpOrigin(
      request.headers.host === undefined
        ? undefined
        : `${schemeOf(request)}://${request.headers.host}`,
    ) ??
    localOrigin(request)
  );
}

function httpOrigin(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { protocol, origin } = new URL(text);
  return protocol === "http:" || protocol === "https:" ? origin : undefined;
}

/** HTTP/1.0 needs no Host: the address that was called. */
function localOrigin(request: IncomingMessage): string {
  const { localAddress = "127.0.0.1", localPort = 80 } = request.socket;
  const host = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
  return `${schemeOf(request)}://${host}:${localPort}`;
}

function schemeOf({ socket }: IncomingMessage): string {
  return socket instanceof TLSSocket ? "https" : "http";
}
