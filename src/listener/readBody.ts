/**
 * Reads the body of PUT, PATCH and POST as JSON, up to the limit. Other methods' bodies are left unread (ARM-24). It must
 * never repeat a piece of the body in an error, since the body may hold a secret.
 */
import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { RpError } from "../model/rpError.ts";
import { shown } from "../model/shownText.ts";

const methodsWithBody = ["PUT", "PATCH", "POST"];

/** After this middleware `request.body` is an object, an array, or `undefined` when there was no body. */
export function readBody(options: { readonly limitBytes: number }): RequestHandler {
  const parse = express.json({
    limit: options.limitBytes,
    strict: true,
    type: () => true,
    verify: refuseUnreadable,
  });
  warmUp(parse);
  return (request: Request, response: Response, next: NextFunction): void => {
    // nothing that a parser of another layer left there counts
    request.body = undefined;
    if (!methodsWithBody.includes(request.method) || !hasBody(request)) {
      next();
      return;
    }
    if (!isJson(request)) {
      next(unsupported(contentTypeMessage(request)));
      return;
    }
    if (isAwaited(request)) response.writeContinue();
    parse(request, response, (error?: unknown) => {
      if (error !== undefined) next(bodyError(error, options.limitBytes));
      else if (isTooDeep(request.body)) {
        next(
          new RpError({
            code: "InvalidRequestContent",
            message: `The body is nested more than ${depthMax} levels deep.`,
          }),
        );
      } else next();
    });
  };
}

/** The parser loads a part of itself with the first body; what is on the disk by then may be another release, or nothing. */
function warmUp(parse: RequestHandler): void {
  const headers = { "content-type": "application/json", "content-length": "2" };
  const request = Object.assign(Readable.from([Buffer.from("{}")]), { method: "PUT", headers });
  void parse(request as unknown as Request, {} as Response, () => {});
}

/** Deeper than any contract; whoever walks through a body by recursion relies on it. */
const depthMax = 64;

/** Level by level, as recursion is what a deep body is made to break. */
function isTooDeep(body: unknown): boolean {
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return true;
    level = level.flatMap((value) =>
      typeof value === "object" && value !== null
        ? Object.values(value).filter((member) => typeof member === "object" && member !== null)
        : [],
    );
  }
  return false;
}

/**
 * The parser takes no text at all for an empty object (ARM-40, ARM-51), and puts other characters in the place of bytes that
 * aren't UTF-8: what would be stored is not what was sent.
 */
function refuseUnreadable(_request: unknown, _response: unknown, bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new SyntaxError("the body is not UTF-8");
  if (bytes.toString().trim() === "") throw new SyntaxError("there is no JSON in the body");
}

function hasBody({ headers }: Request): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? "0") > 0;
}

/** Whether the caller sends the body only when asked for it (RFC 9110, section 10.1.1), so that a refusal costs it none. */
function isAwaited({ headers, httpVersionMinor }: Request): boolean {
  return httpVersionMinor >= 1 && headers.expect?.toLowerCase() === "100-continue";
}

function isJson(request: Request): boolean {
  const [mediaType, ...parameters] = (request.headers["content-type"] ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((part) => part.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) return false;
  return (
    mediaType === "application/json" ||
    (mediaType === "application/merge-patch+json" && request.method === "PATCH")
  );
}

function contentTypeMessage({ headers }: Request): string {
  const given = headers["content-type"];
  const found = given === undefined ? "there is none" : `it is '${shown(given)}'`;
  return `The content type of the body must be application/json, in UTF-8; ${found}.`;
}

function unsupported(message: string): RpError {
  return new RpError({ code: "UnsupportedMediaType", message });
}

/** The parser blames the sender for whatever goes wrong, also for a file or a module of ours that can't be read. */
function isOwnFault(error: unknown): boolean {
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  return syscall !== undefined || String(code).endsWith("MODULE_NOT_FOUND");
}

/** The parser's error without its text and its copy of the body. */
function bodyError(error: unknown, limitBytes: number): Error {
  if (isOwnFault(error)) return new Error("the parser of bodies failed", { cause: error });
  const { type } = error as { readonly type?: unknown };
  switch (type) {
    case "entity.too.large":
      return new RpError({
        code: "RequestEntityTooLarge",
        message: `The body is larger than the limit of ${limitBytes} bytes.`,
      });
    case "encoding.unsupported":
      return unsupported("The content encoding of the body must be identity, gzip, deflate or br.");
    case "request.aborted":
      // nobody is there to read it; the log has it
      return new RpError({
        code: "RequestTimeout",
        message: "The request was not sent to its end.",
      });
    default:
      return new RpError({
        code: "InvalidRequestContent",
        message: "The body could not be read: it must be one JSON object, in UTF-8.",
      });
  }
}
