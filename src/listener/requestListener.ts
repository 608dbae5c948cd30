/**
 * Hands requests to an Express application in a form that no part of it can trip over. It must never change what the
 * application's own middleware reads: that is `originalUrl`, and nothing else of the target.
 */
import type { RequestListener } from "node:http";
import type { Express, Request } from "express";

/**
 * Express takes the target apart too, and passes over every middleware when it can't, authentication and errors included: so
 * it is given one of its own.
 */
export function requestListener(app: Express): RequestListener {
  return (request, response) => {
    (request as Request).originalUrl = request.url ?? "/";
    request.url = "/";
    app(request, response);
  };
}
