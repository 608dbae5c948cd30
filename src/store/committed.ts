/**
 * What a commit gives back: a document as its readers will see it, made of its text only when somebody looks, as most of those who
 * commit never do. It must never be the object that was handed in, which may hold what no text can.
 */
import type { RpDocument } from "../model/document.ts";
import type { ETag, Stored } from "./store.ts";

/** @param read is called once at most. */
export function committed<D extends RpDocument>(etag: ETag, read: () => D): Stored<D> {
  let source: { readonly document: D } | (() => D) = read;
  return {
    get document() {
      // the text goes with its function
      if (typeof source === "function") source = { document: source() };
      return source.document;
    },
    etag,
  };
}
