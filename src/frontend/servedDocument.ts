/**
 * One OpenAPI document at work: it finds the operation at a path, checks the body against the schema, asks the gate, and calls
 * the handler. It decides nothing that the document does not say, and never lets a schema's default or coercion change a body.
 */
import type { ErrorObject, ValidateFunction } from "ajv";
import { methodNotAllowed } from "../listener/methodNotAllowed.ts";
import { OpenAPIBackend, OpenAPIValidator, type Document } from "openapi-backend";
import { RpError, type Fault } from "../model/rpError.ts";
import type { Answer } from "../listener/answer.ts";
import { ArmRouter } from "../listener/armRouter.ts";
import type { Handler, ServiceExchange } from "./exchange.ts";
import { shown } from "../model/shownText.ts";
import { isArmPath, type RequestPath } from "../listener/requestPath.ts";
import { schemaFaults } from "../listener/schemaFaults.ts";
import { checkSubscription } from "./subscriptionGate.ts";
import { isWireObject } from "../versions/wireObject.ts";

/** A request, as far as its route doesn't know it. */
export type RouteRequest = Pick<
  ServiceExchange,
  "path" | "query" | "body" | "context" | "services"
>;

/** An operation that a request has found. */
export interface ServedOperation {
  readonly operationId: string;
  /** The path with its parameters' names. */
  readonly template: string;
  /** @throws {RpError} with the body's faults, or whatever the handler throws. */
  run(request: RouteRequest): Promise<Answer>;
}

/** A handler for each operationId of the document. */
export type Handlers<E extends ServiceExchange> = Readonly<Record<string, Handler<E>>>;

/** Of one operation, as openapi-backend compiles them: its parameters and its body. */
type RequestValidators = readonly ValidateFunction[];

export class ServedDocument<E extends ServiceExchange> {
  readonly #router: ArmRouter;
  /** By operationId. */
  readonly #validators: ReadonlyMap<string, RequestValidators>;
  readonly #handlers: Handlers<E>;
  readonly #complete: (exchange: ServiceExchange) => E;

  private constructor(
    router: ArmRouter,
    validators: ReadonlyMap<string, RequestValidators>,
    handlers: Handlers<E>,
    complete: (exchange: ServiceExchange) => E,
  ) {
    this.#router = router;
    this.#validators = validators;
    this.#handlers = handlers;
    this.#complete = complete;
  }

  /**
   * @param complete adds what handlers of this document need besides.
   * @throws {Error} when the document names an operation without a handler.
   */
  static async load<E extends ServiceExchange>(
    definition: Document,
    handlers: Handlers<E>,
    complete: (exchange: ServiceExchange) => E,
  ): Promise<ServedDocument<E>> {
    // the meta-schema check costs seconds; a test makes it
    const api = new OpenAPIBackend({ definition, quick: true });
    await api.init();
    const router = new ArmRouter(api.definition);
    const validator = new OpenAPIValidator({
      definition: api.definition,
      ajvOpts: {
        allErrors: true,
        // a test does; it is half of what compiling costs
        validateSchema: false,
        useDefaults: false,
        coerceTypes: false,
        removeAdditional: false,
        // the schema is in each finding: it knows the members that could have been meant
        verbose: true,
      },
      router,
      lazyCompileValidators: true,
    });
    const validators = new Map<string, RequestValidators>();
    for (const { operationId = "" } of router.getOperations()) {
      if (!Object.hasOwn(handlers, operationId)) {
        throw new Error(`no handler for operation ${operationId}`);
      }
      // compiled now rather than during the first request
      validators.set(operationId, validator.getRequestValidatorsForOperation(operationId));
    }
    return new ServedDocument(router, validators, handlers, complete);
  }

  /** Whether there is such a route, whatever its methods. */
  has(path: RequestPath): boolean {
    return this.#router.route(path) !== undefined;
  }

  /**
   * What this document has in place of a route that only the other has: an operation with the same handler, as
   * `POST …/listCredentials`.
   */
  insteadOf(path: RequestPath, other: ServedDocument<E>): string | undefined {
    const gone = other.#router.route(path)?.operations.values() ?? [];
    for (const { operationId = "", path: template } of gone) {
      const handler = other.#handlers[operationId];
      const same = this.#router
        .getOperations()
        .find((operation) => this.#handlers[operation.operationId ?? ""] === handler);
      if (same !== undefined) return `${same.method.toUpperCase()} ${endOf(same.path, template)}`;
    }
    return undefined;
  }

  /** @throws {RpError} `NotFound` or `MethodNotAllowed`. */
  find(method: string, path: RequestPath, apiVersion: string): ServedOperation {
    const match = this.#router.route(path);
    if (match === undefined) throw notFound(path);
    // HEAD is answered as GET; Node leaves the body out (decision 26)
    const asked = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = match.operations.get(asked);
    if (operation?.operationId === undefined) {
      throw methodNotAllowed(method, match.operations.keys());
    }
    const { operationId } = operation;
    return {
      operationId,
      template: operation.path,
      run: async (request) => {
        const parameters = this.#router.parameters(operation, path);
        const errors = this.#errors(operationId, {
          path: parameters,
          // other keys are ARM's or a caller's own, and tolerated (ARM-11)
          query: { "api-version": apiVersion },
          body: request.body,
        });
        const bodyFaults = errors.length === 0 ? [] : schemaFaults(errors);
        return this.#handle(operationId, { ...request, parameters, bodyFaults });
      },
    };
  }

  /** What the schema of an operation finds wrong with a body, outside of any request. */
  bodyFaults(operationId: string, body: unknown): readonly Fault[] {
    // there are no parameters that could be judged
    const errors = this.#errors(operationId, { path: {}, query: {}, body });
    return schemaFaults(errors.filter(isOfBody));
  }

  #errors(
    operationId: string,
    given: {
      readonly path: Readonly<Record<string, string>>;
      readonly query: Readonly<Record<string, string>>;
      readonly body: unknown;
    },
  ): readonly ErrorObject[] {
    const validators = this.#validators.get(operationId);
    if (validators === undefined) throw new TypeError(`there is no operation ${operationId}`);
    const { path, query, body } = given;
    // under the names by which openapi-backend makes the schemas
    const request = { path, query, header: {}, cookie: {}, requestBody: body };
    const errors: ErrorObject[] = [];
    for (const validate of validators) {
      if (!validate(request)) errors.push(...(validate.errors ?? []));
    }
    return errors;
  }

  async #handle(operationId: string, request: ServiceExchange): Promise<Answer> {
    const handler = this.#handlers[operationId];
    if (handler === undefined) throw new TypeError(`no handler for operation ${operationId}`);
    const exchange = this.#complete(request);
    if (handler.right !== undefined) await checkSubscription(exchange, handler.right);
    // of what isn't even an object, no rule has anything to say
    const isJudged = handler.judgesBody === true && isWireObject(request.body);
    if (request.bodyFaults.length > 0 && !isJudged) throw RpError.ofFaults(request.bodyFaults);
    return handler.handle(exchange);
  }
}

/** Whether it is about the body, or that there is none. */
function isOfBody({ instancePath, params }: ErrorObject): boolean {
  const [, part = (params as { readonly missingProperty?: string }).missingProperty] =
    instancePath.split("/");
  return part === "requestBody";
}

/** The answer to a path that leads nowhere. Who isn't ARM, but a person with a browser, is told where to go. */
export function notFound(target: RequestPath): RpError {
  const hint = isArmPath(target)
    ? ""
    : "; those of the API begin with /subscriptions or /providers, its documentation is at /docs, " +
      "and /healthz/ready says whether the service is well";
  return new RpError({
    code: "NotFound",
    message: `There is no route '${shown(target.path)}'${hint}.`,
  });
}

/** The end of a template from where it differs from the other: `…/listCredentials`. */
function endOf(template: string, other: string): string {
  const others = other.split("/");
  const segments = template.split("/");
  const same = segments.findIndex((segment, index) => segment !== others[index]);
  return `…/${segments.slice(same).join("/")}`;
}
