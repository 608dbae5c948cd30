/**
 * Makes texts of Azure's fit to be shown, in errors and in logs: short, and in time that grows with what is read of them, whoever wrote
 * them. It must never let a secret, a signature, or a subscription that isn't the cluster's, into a text.
 */
import type { AzureError } from "./azureErrorTable.ts";

const shownErrorsMax = 3;
const shownLengthMax = 750;

/** What Azure said, for the user: code and message of each, short enough. */
export function shownErrors(errors: readonly AzureError[], subscriptionId: string): string {
  const texts = [
    ...new Set(
      errors.map(
        ({ code, message }) =>
          `${code.slice(0, shownLengthMax)}: ${shownText(message, subscriptionId)}`,
      ),
    ),
  ];
  const shown = texts.slice(0, shownErrorsMax);
  const each = Math.floor(shownLengthMax / shown.length);
  return [
    ...shown.map((one) => (one.length > each ? `${one.slice(0, each - 1)}…` : one)),
    ...(texts.length > shown.length ? [`(and ${texts.length - shown.length} more)`] : []),
  ].join(" ");
}

/** More than is shown, as some of it may be left out. All patterns below take time in proportion to it. */
const readLengthMax = 2_500;
/** As in a query, in prose or in JSON, that of a text within JSON too. A quote that doesn't end was cut. */
const namedSecret =
  /(accountkey|client_?secret|password)(\\?["']?\s*[=:]\s*)(\\?"[^"]*("|$)|'[^']*('|$)|\\?["']?[^\s&;"']+)/gi;
/** Long enough not to be a word of prose. */
const bearerToken = /\b(bearer\s+)[\w.~+/-]{20,}=*/gi;
/** Of JWTs, wherever they stand. */
const webToken = /\beyJ[\w-]+(\.[\w-]*)*/g;

/** One line, without signatures, passwords and tokens, and without subscriptions other than the cluster's. */
export function shownText(message: string, subscriptionId: string): string {
  return beginningOf(message)
    .replace(/https?:\/\/[^\s"'<>]+/gi, (url) => url.split("?", 1)[0] ?? "")
    .replace(/\b(sig|sv|se|sp|skoid)=[^\s&;"']+/gi, "$1=(secret)")
    .replace(namedSecret, "$1$2(secret)")
    .replace(bearerToken, "$1(secret)")
    .replace(webToken, "(secret)")
    .replace(/(\/subscriptions\/)([0-9a-f-]{36})/gi, (whole, path: string, id: string) =>
      id.toLowerCase() === subscriptionId.toLowerCase() ? whole : `${path}(another)`,
    )
    .trim();
}

/** It ends with a whole word: no pattern knows a part of a token by its beginning. */
function beginningOf(message: string): string {
  const text = message.slice(0, readLengthMax).replace(/\s+/g, " ");
  const end = message.length > readLengthMax ? text.lastIndexOf(" ") : -1;
  return end > 0 ? text.slice(0, end) : text;
}
