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
    const why = document === undefined ? "does not exist" : "has another ETag";
    throw failed("If-Match", `${why}. ${readAgain}`);
  }
  const ifNoneMatch = context.header("if-none-match");
  if (ifNoneMatch !== undefined && isListed(withoutWeakMarks(ifNoneMatch), document)) {
    const why = tagsOf(ifNoneMatch).includes("*")
      ? "exists already, and 'If-None-Match: *' only creates."
      : `exists with this entity tag. ${readAgain}`;
    throw failed("If-None-Match", why);
  }
}

function isListed(header: string, document: ClusterDocument | undefined): boolean {
  if (document === undefined) return false;
  const tags = tagsOf(header);
  return tags.includes("*") || tags.includes(entityTag(document));
}

function tagsOf(header: string): readonly string[] {
  return header.split(",").map((tag) => tag.trim());
}

/** `If-None-Match` compares weakly, `If-Match` strongly (RFC 9110, section 13.1). */
function withoutWeakMarks(header: string): string {
  return header.replaceAll(/(^|,)\s*W\//g, "$1");
}

const readAgain = "Read it again and decide anew; an ETag goes with its quotes, as it was sent.";

function failed(header: string, why: string): RpError {
  return new RpError({
    code: "PreconditionFailed",
    message: `The condition of ${header} does not hold: the cluster ${why}`,
    target: header,
  });
}
