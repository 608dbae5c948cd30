/**
 * `/docs`, a page to read and try every api-version served, and the documents themselves: `/openapi/{version}.json`,
 * `/swagger/{version}.json` and, for what ARM itself calls, `/openapi/arm.json`. Open to everyone who may call, as they tell
 * nothing but the contract. A request never leads to a file: what is served was read at the start and lies in a table, and whatever
 * isn't in it is left to the next middleware.
 */
import { checkReads } from "../listener/methodNotAllowed.ts";
import type { RequestHandler, Response } from "express";
import { foldCase } from "../model/resourceId.ts";
import type { ApiVersion } from "../versions/apiVersion.ts";
import { contractFiles } from "./docsPage/contractFiles.ts";
import { pageFiles } from "./docsPage/pageFiles.ts";
import type { ServedFile } from "./docsPage/servedFile.ts";
import { contextOf } from "../listener/requestContext.ts";

/**
 * Reads everything that will be served.
 *
 * @throws {Error} when a document of one of these versions is missing.
 */
export function docsPage(versions: readonly ApiVersion[]): RequestHandler {
  const names = versions.map(({ name }) => name);
  const files = new Map<string, ServedFile>(
    [...pageFiles(names), ...contractFiles(names)].map((file) => [foldCase(file.path), file]),
  );
  return (request, response, next) => {
    const file = files.get(contextOf(response).target.foldedPath);
    if (file === undefined) {
      next();
      return;
    }
    checkReads(request);
    setHeaders(response, file);
    // Express compares the request's conditions with the headers just set
    if (request.fresh) {
      response.status(304).end();
      return;
    }
    response.setHeader("Content-Type", file.contentType);
    response.setHeader("Content-Length", file.content.byteLength);
    // Node leaves the content out of an answer to HEAD
    response.end(file.content);
  };
}

function setHeaders(response: Response, { entityTag, policy }: ServedFile): void {
  response.setHeader("ETag", entityTag);
  // kept, but asked for again each time: the next release has the same paths
  response.setHeader("Cache-Control", "no-cache");
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (policy !== undefined) response.setHeader("Content-Security-Policy", policy);
}
