/**
 * One document of the contract with its handlers: what a request has found there is judged, the gate is asked, and the handler
 * called. It decides nothing that the document does not say.
 */
import type { Document } from "openapi-backend";
import { RpError, type Fault } from "../model/rpError.ts";
import type { Answer } from "../listener/answer.ts";
import { OpenApiDocument } from "../listener/openApiDocument.ts";
import type { Handler, ServiceExchange } from "./exchange.ts";
import { shown } from "../model/shownText.ts";
import { isArmPath, type RequestPath } from "../listener/requestPath.ts";
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

export class ServedDocument<E extends ServiceExchange> {
  readonly #document: OpenApiDocument;
  readonly #handlers: Handlers<E>;
  readonly #complete: (exchange: ServiceExchange) => E;

  private constructor(
    document: OpenApiDocument,
    handlers: Handlers<E>,
    complete: (exchange: ServiceExchange) => E,
  ) {
    this.#document = document;
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
    return new ServedDocument(await OpenApiDocument.load(definition, handlers), handlers, complete);
  }

  /** Whether there is such a route, whatever its methods. */
  has(path: RequestPath): boolean {
    return this.#document.has(path);
  }

  /**
   * What this document has in place of a route that only the other has: an operation with the same handler, as
   * `POST …/listCredentials`.
   */
  insteadOf(path: RequestPath, other: ServedDocument<E>): string | undefined {
    for (const { operationId = "", path: template } of other.#document.operationsAt(path)) {
      const handler = other.#handlers[operationId];
      const same = this.#document.operations.find(
        (operation) => this.#handlers[operation.operationId ?? ""] === handler,
      );
      if (same !== undefined) return `${same.method.toUpperCase()} ${endOf(same.path, template)}`;
    }
    return undefined;
  }

  /** @throws {RpError} `NotFound` or `MethodNotAllowed`. */
  find(method: string, path: RequestPath, apiVersion: string): ServedOperation {
    const found = this.#document.find(method, path);
    if (found === undefined) throw notFound(path);
    const { operationId, definition, parameters } = found;
    return {
      operationId,
      template: definition.path,
      run: async (request) => {
        const bodyFaults = this.#document.faults(operationId, {
          parameters,
          // other keys are ARM's or a caller's own, and tolerated (ARM-11)
          query: { "api-version": apiVersion },
          body: request.body,
        });
        return this.#handle(operationId, { ...request, parameters, bodyFaults });
      },
    };
  }

  /** What the schema of an operation finds wrong with a body, outside of any request. */
  bodyFaults(operationId: string, body: unknown): readonly Fault[] {
    return this.#document.bodyFaults(operationId, body);
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
