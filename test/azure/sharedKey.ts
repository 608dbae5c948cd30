/**
 * Signatures with the key of a storage account: of whole requests (Shared Key) and in addresses (service SAS of API versions
 * from 2020-12-06 on). It computes them anew from what was sent, and must never take anything of a signature for granted.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { AzureRequest } from "./azureService.ts";

/** In the order in which they are signed. */
const signedHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
] as const;

/** Whether the request's `Authorization` header is the account's, with that key (base64). */
export function isSignedWith(request: AzureRequest, account: string, key: string): boolean {
  const expected = `SharedKey ${account}:${signature(requestText(request, account), key)}`;
  return isEqual(request.headers.authorization ?? "", expected);
}

function requestText({ method, headers, url }: AzureRequest, account: string): string {
  const plain = signedHeaders.map((name) => {
    const value = String(headers[name] ?? "");
    return name === "content-length" && value === "0" ? "" : value;
  });
  const ownHeaders = Object.entries(headers)
    .filter(([name]) => name.startsWith("x-ms-"))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}:${String(value)}`);
  const query = [...queryOf(url)]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}:${value}`);
  return [
    method,
    ...plain,
    ...ownHeaders,
    [`/${account}${url.pathname}`, ...query].join("\n"),
  ].join("\n");
}

/** Names in small letters; unlike in a form, a plus is a plus. */
export function queryOf(url: URL): Map<string, string> {
  const pairs = url.search.slice(1).split("&").filter(Boolean);
  return new Map(
    pairs.map((pair) => {
      const at = pair.includes("=") ? pair.indexOf("=") : pair.length;
      return [pair.slice(0, at).toLowerCase(), decodeURIComponent(pair.slice(at + 1))];
    }),
  );
}

/** What a SAS has to allow. */
export interface SasNeed {
  readonly account: string;
  /** Base64. */
  readonly key: string;
  readonly container: string;
  /** Absent: something of the container as a whole. */
  readonly blob?: string;
  /** The letters, any of which is enough. */
  readonly permissions: string;
  readonly now: number;
}

/** Why a SAS doesn't do; `code` is the blob service's. */
export interface SasFault {
  readonly code: "AuthenticationFailed" | "AuthorizationPermissionMismatch";
  readonly message: string;
}

/** @returns nothing when the address may do what it is to do. */
export function sasFault(url: URL, need: SasNeed): SasFault | undefined {
  const query = queryOf(url);
  const failed = (message: string): SasFault => ({ code: "AuthenticationFailed", message });
  const of = (name: string) => query.get(name) ?? "";
  if (of("sv") < "2020-12-06") return failed("sv is not an API version from 2020-12-06 on");
  const resource = of("sr");
  if (resource !== "b" && resource !== "c") return failed("sr is mandatory, a blob or a container");
  const name = resource === "b" ? `${need.container}/${need.blob ?? ""}` : need.container;
  const text = [
    of("sp"),
    of("st"),
    of("se"),
    `/blob/${need.account}/${name}`,
    of("si"),
    of("sip"),
    of("spr"),
    of("sv"),
    resource,
    "",
    of("ses"),
    of("rscc"),
    of("rscd"),
    of("rsce"),
    of("rscl"),
    of("rsct"),
  ].join("\n");
  if (!isEqual(of("sig"), signature(text, need.key))) return failed("Signature did not match.");
  if (query.has("st") && !(Date.parse(of("st")) <= need.now)) {
    return failed("Signature not valid in the specified time frame: it starts later");
  }
  if (!(need.now < Date.parse(of("se")))) {
    return failed("Signature not valid in the specified time frame: it has expired");
  }
  if (query.has("spr") && !of("spr").split(",").includes(url.protocol.slice(0, -1))) {
    return failed("The protocol of the request is not permitted by spr");
  }
  if (need.permissions.split("").some((letter) => of("sp").includes(letter))) return undefined;
  const message = "This request is not authorized to perform this operation using this permission.";
  return { code: "AuthorizationPermissionMismatch", message };
}

function signature(text: string, key: string): string {
  return createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
}

function isEqual(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
