/**
 * `If-Match` and `If-None-Match` against the stored representation (ARM-98, ARM-99). They are judged on the revision that
 * the caller saw, never on the store's own ETag, which changes with bookkeeping that nobody outside can see.
 */
import type { ClusterDocument } from "../model/document.ts";
import { RpError } from "../model/rpError.ts";
import type { RequestContext } from "../listener/requestContext.ts";

/** The entity tag of a cluster, as in the `ETag` header. */
export function entityTag(document: ClusterDocument): string {
  return `"${document.revision}"`;
}

/**
 * @param document the stored cluster; `undefined` when there is none.
 * @throws {RpError} `PreconditionFailed`.
 */
export function checkPreconditions(
  context: RequestContext,
  document: ClusterDocument | undefined,
): void {
  const ifMatch = context.header("if-match");
  if (ifMatch !== undefined && !isListed(ifMatch, document)) {
    throw failed("If-Match", document === undefined ? "does not exist" : "has another ETag");
  }
  const ifNoneMatch = context.header("if-none-match");
  if (ifNoneMatch !== undefined && isListed(withoutWeakMarks(ifNoneMatch), document)) {
    throw failed("If-None-Match", "exists with this entity tag");
  }
}

function isListed(header: string, document: ClusterDocument | undefined): boolean {
  if (document === undefined) return false;
  const tags = header.split(",").map((tag) => tag.trim());
  return tags.includes("*") || tags.includes(entityTag(document));
}

/** `If-None-Match` compares weakly, `If-Match` strongly (RFC 9110, section 13.1). */
function withoutWeakMarks(header: string): string {
  return header.replaceAll(/(^|,)\s*W\//g, "$1");
}

function failed(header: string, why: string): RpError {
  return new RpError({
    code: "PreconditionFailed",
    message:
      `The condition of ${header} does not hold: the cluster ${why}. Read it again and decide anew; ` +
      "an ETag goes with its quotes, as it was sent.",
    target: header,
  });
}
