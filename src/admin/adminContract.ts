/**
 * The contract of the operator's API at work: it finds the operation that a request means, by its path regardless of case, and
 * judges its parameters and its body. It decides nothing that the document does not say.
 */
import { methodNotAllowed } from "../listener/methodNotAllowed.ts";
import { readFileSync } from "node:fs";
import { OpenAPIBackend, OpenAPIValidator, type Document, type Operation } from "openapi-backend";
import type { AdminOperationId } from "../../generated/types/operationIds.ts";
import { ArmRouter, type ArmRequest } from "../listener/armRouter.ts";
import { pathFaults, type RequestPath } from "../listener/requestPath.ts";
import { schemaFaults } from "../listener/schemaFaults.ts";
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
  readonly #router: ArmRouter;
  readonly #validator: OpenAPIValidator<Document>;
  readonly #handlers: AdminHandlers;

  private constructor(
    router: ArmRouter,
    validator: OpenAPIValidator<Document>,
    handlers: AdminHandlers,
  ) {
    this.#router = router;
    this.#validator = validator;
    this.#handlers = handlers;
  }

  /**
   * Loads the document.
   *
   * @throws {Error} when it is missing, or names an operation without a handler.
   */
  static async load(handlers: AdminHandlers): Promise<AdminContract> {
    const definition = JSON.parse(readFileSync(file, "utf8")) as Document;
    // the meta-schema check costs seconds; a test makes it
    const api = new OpenAPIBackend({ definition, quick: true });
    await api.init();
    const router = new ArmRouter(api.definition);
    const ajvOpts = { allErrors: true, useDefaults: false, removeAdditional: false, verbose: true };
    const validator = new OpenAPIValidator({
      definition: api.definition,
      ajvOpts,
      router,
      lazyCompileValidators: true,
    });
    for (const { operationId = "" } of router.getOperations()) {
      if (!Object.hasOwn(handlers, operationId)) {
        throw new Error(`no handler for operation ${operationId}`);
      }
      // compiled now rather than during the first request
      validator.getRequestValidatorsForOperation(operationId);
    }
    return new AdminContract(router, validator, handlers);
  }

  /**
   * Finds what a request asks for.
   *
   * @throws {RpError} `NotFound`, `MethodNotAllowed`, or everything wrong with the path's names.
   */
  route(method: string, path: RequestPath): AdminRoute {
    const match = this.#router.route(path);
    if (match === undefined) throw notFound(path);
    // HEAD is answered as GET; Node leaves the body out
    const operation = match.operations.get(method === "HEAD" ? "get" : method.toLowerCase());
    if (operation?.operationId === undefined) {
      throw methodNotAllowed(method, match.operations.keys());
    }
    const faults = pathFaults(path.segments.slice(prefixSegments));
    if (faults.length > 0) throw RpError.ofFaults(faults);
    const pathParameters = this.#router.parameters(operation, path);
    return {
      operationId: operation.operationId,
      handle: this.#handlers[operation.operationId as AdminOperationId],
      pathParameters,
      check: (body) => this.#check(operation, path, body),
    };
  }

  #check(
    operation: Operation<Document>,
    path: RequestPath,
    body: unknown,
  ): Readonly<Record<string, string>> {
    const query = queryOf(operation, path);
    const request: ArmRequest = {
      method: operation.method,
      path: path.path,
      target: path,
      headers: { "content-type": "application/json" },
      query: { ...query },
      body,
    };
    const { errors } = this.#validator.validateRequest(request, operation);
    const faults = schemaFaults(errors ?? []).map(inOwnWords);
    if (faults.length > 0) throw RpError.ofFaults(faults);
    return { ...query, ...this.#router.parameters(operation, path) };
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
  operation: Operation<Document>,
  { query }: RequestPath,
): Readonly<Record<string, string>> {
  const parameters = (operation.parameters ?? []) as readonly { name: string; in: string }[];
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
