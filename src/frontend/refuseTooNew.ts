/**
 * What a newer release has marked as not for us is answered with 503, so that whoever asks again meets that release once
 * the update is complete. Nothing of such a document may be shown, changed or decided by.
 */
import { isTooNew, type DocumentKind, type RpDocument } from "../model/document.ts";
import { RpError } from "../model/rpError.ts";

/** What callers know each kind as. */
const names = {
  cluster: "The cluster",
  operation: "The operation",
  subscription: "The subscription",
  key: "A key of the resource provider",
  activity: "The activity of the resource provider",
} as const satisfies Readonly<Record<DocumentKind, string>>;

/** @throws {RpError} `DocumentTooNew` when a newer release has marked the document as not for us. */
export function refuseTooNew(document: RpDocument): void {
  if (!isTooNew(document)) return;
  throw new RpError({
    code: "DocumentTooNew",
    message:
      `${names[document.kind]} was written by a newer release of the resource provider; try ` +
      "again when the update of this one is complete.",
  });
}
