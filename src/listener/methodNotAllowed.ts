/** The refusals of methods that a path doesn't have; they say which it has (RFC 9110, section 15.5.6). */
import type { Request } from "express";
import { RpError } from "../model/rpError.ts";
import { shown } from "../model/shownText.ts";

/** @param methods those that the path has, in any case. */
export function methodNotAllowed(method: string, methods: Iterable<string>): RpError {
  const allowed = [...methods].map((name) => name.toUpperCase());
  if (allowed.includes("GET")) allowed.push("HEAD");
  return new RpError(
    {
      code: "MethodNotAllowed",
      message: `The method ${shown(method)} is not allowed here; allowed: ${allowed.join(", ")}.`,
    },
    { headers: { Allow: allowed.join(", ") } },
  );
}

/** @throws {RpError} `MethodNotAllowed` for what is no reading of a page. */
export function checkReads({ method }: Pick<Request, "method">): void {
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed(method, ["get"]);
}
