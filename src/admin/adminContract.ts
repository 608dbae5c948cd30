/**
 * The contract of the operator's API at work: it finds the operation that a request means, by its path regardless of case, and
 * judges its parameters and its body. It decides nothing that the document does not say.
 */
import { readFileSync } from "node:fs";
import type { Document } from "openapi-backend";
import type { AdminOperationId } from "../../generated/types/operationIds.ts";
import { OpenApiDocument, type FoundOperation } from "../listener/openApiDocument.ts";
import { pathFaults, type RequestPath } from "../listener/requestPath.ts";
import { RpError, type Fault } from "../model/rpError.ts";
import { shown } from "../model/shownText.ts";
import type { AdminHandler } from "./exchange.ts";

/** A handler for each operation. */
export type AdminHandlers = Readonly<Record<AdminOperationId, AdminHandler>>;

/** An operation that a request has found. */
export interface AdminRoute {
  readonly operationId: string;
  readonly handle: AdminHandler;
  /** Of the path. */
  readonly pathParameters: Readonly<Record<string, string>>;
  /**
   * What the request gives besides its path.
   *
   * @returns all parameters.
   * @throws {RpError} with everything that is wrong with query and body.
   */
  check(body: unknown): Readonly<Record<string, string>>;
}

/** `/admin/v1`: what follows is the id of a resource, or a name of our own. */
const prefixSegments = 2;

const file = new URL("../../generated/admin/openapi.json", import.meta.url);

export class AdminContract {
  readonly #document: OpenApiDocument;
  readonly #handlers: AdminHandlers;

  private constructor(document: OpenApiDocument, handlers: AdminHandlers) {
    this.#document = document;
    this.#handlers = handlers;
  }

  /**
   * Loads the document.
   *
   * @throws {Error} when it is missing, or names an operation without a handler.
   */
  static async load(handlers: AdminHandlers): Promise<AdminContract> {
    const definition = JSON.parse(readFileSync(file, "utf8")) as Document;
    return new AdminContract(await OpenApiDocument.load(definition, handlers), handlers);
  }

  /**
   * Finds what a request asks for.
   *
   * @throws {RpError} `NotFound`, `MethodNotAllowed`, or everything wrong with the path's names.
   */
  route(method: string, path: RequestPath): AdminRoute {
    const found = this.#document.find(method, path);
    if (found === undefined) throw notFound(path);
    const faults = pathFaults(path.segments.slice(prefixSegments));
    if (faults.length > 0) throw RpError.ofFaults(faults);
    return {
      operationId: found.operationId,
      handle: this.#handlers[found.operationId as AdminOperationId],
      pathParameters: found.parameters,
      check: (body) => this.#check(found, path, body),
    };
  }

  #check(
    found: FoundOperation,
    path: RequestPath,
    body: unknown,
  ): Readonly<Record<string, string>> {
    const { operationId, parameters } = found;
    const query = queryOf(found, path);
    const faults = this.#document.faults(operationId, { parameters, query, body }).map(inOwnWords);
    if (faults.length > 0) throw RpError.ofFaults(faults);
    return { ...query, ...parameters };
  }
}

/** A parameter is called by its name alone, and none is ever content. */
function inOwnWords(fault: Fault): Fault {
  const [, place, name = ""] = /^(query|path)\.(.+)$/.exec(fault.target ?? "") ?? [];
  if (place === undefined) return fault;
  const message = fault.message.replace(`'${place}.${name}'`, `'${name}'`);
  return { code: "InvalidParameter", message, target: name };
}

/**
 * A key that nobody knows may be a filter that was misspelt: ignored, it would show, of all things, everything.
 *
 * @throws {RpError} `InvalidParameter`
 */
function queryOf(
  { definition }: FoundOperation,
  { query }: RequestPath,
): Readonly<Record<string, string>> {
  const parameters = (definition.parameters ?? []) as readonly { name: string; in: string }[];
  const known = parameters.filter((each) => each.in === "query").map(({ name }) => name);
  const values: Record<string, string> = {};
  for (const [name, value] of query) {
    if (known.includes(name) && !Object.hasOwn(values, name)) {
      values[name] = value;
      continue;
    }
    const list = known.length === 0 ? "none" : known.join(", ");
    throw new RpError({
      code: "InvalidParameter",
      message: known.includes(name)
        ? `'${name}' is given more than once in the query.`
        : `'${shown(name)}' is not known in the query here; known: ${list}.`,
      target: shown(name),
    });
  }
  return values;
}

function notFound({ path }: RequestPath): RpError {
  return new RpError({
    code: "NotFound",
    message:
      `There is no route '${shown(path)}'; here are /admin/v1/clusters, /admin/v1/process, /admin/v1 before the ` +
      "id of a cluster or a subscription, /metrics, /healthz, /healthz/live and /healthz/ready.",
  });
}
