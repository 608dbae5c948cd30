/**
 * Reads the body of PUT, PATCH and POST as JSON, up to the limits. Other methods' bodies are left unread (ARM-24). It must
 * never repeat a piece of the body in an error, since the body may hold a secret.
 */
import type { Request, RequestHandler, Response } from "express";
import { BodyBytes } from "./bodyBytes.ts";
import type { BodyLimits } from "../model/limits.ts";
import { RpError } from "../model/rpError.ts";
import { shown } from "../model/shownText.ts";
import { jsonExcess } from "./jsonSize.ts";

const methodsWithBody = ["PUT", "PATCH", "POST"];

/**
 * After this middleware `request.body` is an object, an array, or `undefined` when there was no body.
 *
 * @param subscriptionOf whose share of the memory a body counts to; without it all bodies have one share.
 */
export function readBody(
  limits: BodyLimits,
  subscriptionOf?: (request: Request) => string | undefined,
): RequestHandler {
  const bodies = new BodyBytes(limits);
  return async (request, response, next) => {
    request.body = undefined;
    if (methodsWithBody.includes(request.method) && hasBody(request)) {
      request.body = await jsonOf(request, response, {
        bodies,
        limits,
        subscription: subscriptionOf?.(request),
      });
    }
    next();
  };
}

async function jsonOf(
  request: Request,
  response: Response,
  options: {
    readonly bodies: BodyBytes;
    readonly limits: BodyLimits;
    readonly subscription: string | undefined;
  },
): Promise<object> {
  if (!isJson(request)) {
    throw new RpError({ code: "UnsupportedMediaType", message: contentTypeMessage(request) });
  }
  const json = parsed(await options.bodies.read(request, response, options.subscription));
  const excess = jsonExcess(json, options.limits);
  if (excess === undefined) return json;
  throw new RpError({ code: "InvalidRequestContent", message: `The body ${excess}.` });
}

/** At the end of what the parser says, where it tells the place; a text that it quotes is never there. */
const placeForm = / in JSON at position \d+ \(line (\d+) column (\d+)\)$/;

/** @throws {RpError} without the parser's error, which quotes the body; of that only the place is told. */
function parsed(bytes: Buffer): object {
  let place = "";
  try {
    // with other characters in the place of bytes that aren't UTF-8, what is stored would not be what was sent
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof json === "object" && json !== null) return json;
  } catch (error) {
    // otherwise as for JSON of another form
    const [, line, column] = placeForm.exec((error as Error).message) ?? [];
    if (line !== undefined && column !== undefined) {
      place = `; the parser stumbled at line ${line}, column ${column}`;
    }
  }
  throw new RpError({
    code: "InvalidRequestContent",
    message: `The body could not be read: it must be one JSON object, in UTF-8${place}.`,
  });
}

function hasBody({ headers }: Request): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? "0") > 0;
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
