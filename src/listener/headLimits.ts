/** Refuses requests whose target is too long or that have too many headers. What is larger than all headers may be never gets here. */
import type { RequestHandler } from "express";
import type { RequestLimits } from "../model/limits.ts";
import { RpError } from "../model/rpError.ts";

/** A middleware, to come before any that looks at the target. */
export function headLimits({
  uriBytes,
  headers,
}: Pick<RequestLimits, "uriBytes" | "headers">): RequestHandler {
  return (request, _response, next) => {
    // names and values in turn
    const count = request.rawHeaders.length / 2;
    if (request.originalUrl.length > uriBytes) {
      throw new RpError({
        code: "RequestUriTooLong",
        message: `The target of the request has more than ${uriBytes} bytes.`,
      });
    }
    if (count > headers) {
      throw new RpError({
        code: "RequestHeaderFieldsTooLarge",
        message: `The request has ${count} headers; ${headers} are the most.`,
      });
    }
    next();
  };
}
