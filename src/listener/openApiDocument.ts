/**
 * One OpenAPI document at work, for any listener: it finds the operation at a path, and judges a request by the validators that
 * openapi-backend compiles at the start. It decides nothing that the document does not say, and never lets a schema's default or
 * coercion change what it judges.
 */
import type { ErrorObject, ValidateFunction } from "ajv";
import { OpenAPIBackend, type Document, type Operation } from "openapi-backend";
import type { Fault } from "../model/rpError.ts";
import { ArmRouter } from "./armRouter.ts";
import { methodNotAllowed } from "./methodNotAllowed.ts";
import type { RequestPath } from "./requestPath.ts";
import { schemaFaults } from "./schemaFaults.ts";

/** An operation that a request has found. */
export interface FoundOperation {
  readonly operationId: string;
  /** What the document says of it, references resolved. */
  readonly definition: Operation<Document>;
  /** Of the path: percent-decoded, in the caller's casing. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What of a request is judged. */
export interface JudgedRequest {
  readonly parameters: Readonly<Record<string, string>>;
  /** A key that the document doesn't have is a fault. */
  readonly query: Readonly<Record<string, string>>;
  /** An object or an array; `undefined` when there is none. */
  readonly body: unknown;
}

/** Of one operation, as openapi-backend compiles them: its parameters and its body. */
type RequestValidators = readonly ValidateFunction[];

export class OpenApiDocument {
  /** All of them. */
  readonly operations: readonly Operation<Document>[];
  readonly #router: ArmRouter;
  /** By operationId. */
  readonly #validators: ReadonlyMap<string, RequestValidators>;

  private constructor(
    operations: readonly Operation<Document>[],
    validators: ReadonlyMap<string, RequestValidators>,
  ) {
    this.operations = operations;
    this.#router = new ArmRouter(operations);
    this.#validators = validators;
  }

  /**
   * @param handlers one for each operationId; they are not called.
   * @throws {Error} when the document names an operation without a handler.
   */
  static async load(
    definition: Document,
    handlers: Readonly<Record<string, unknown>>,
  ): Promise<OpenApiDocument> {
    const api = new OpenAPIBackend({
      definition,
      // the meta-schema check costs seconds; a test makes it
      quick: true,
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
    });
    await api.init();
    const operations = api.getOperations();
    const validators = new Map<string, RequestValidators>();
    for (const operation of operations) {
      const { operationId = "" } = operation;
      if (!Object.hasOwn(handlers, operationId)) {
        throw new Error(`no handler for operation ${operationId}`);
      }
      // compiled now rather than during the first request; answers are not judged, so nothing is compiled for them
      const compiled = api.validator.buildRequestValidatorsForOperation(operation);
      validators.set(operationId, compiled ?? []);
    }
    return new OpenApiDocument(operations, validators);
  }

  /** Those of a path; none when there is no such route. */
  operationsAt(path: RequestPath): readonly Operation<Document>[] {
    return [...(this.#router.route(path)?.operations.values() ?? [])];
  }

  /** Whether there is such a route, whatever its methods. */
  has(path: RequestPath): boolean {
    return this.#router.route(path) !== undefined;
  }

  /**
   * @returns `undefined` when there is no such route.
   * @throws {RpError} `MethodNotAllowed`
   */
  find(method: string, path: RequestPath): FoundOperation | undefined {
    const match = this.#router.route(path);
    if (match === undefined) return undefined;
    // HEAD is answered as GET; Node leaves the body out (decision 26)
    const asked = method === "HEAD" ? "get" : method.toLowerCase();
    const definition = match.operations.get(asked);
    if (definition?.operationId === undefined) {
      throw methodNotAllowed(method, match.operations.keys());
    }
    const parameters = this.#router.parameters(definition, path);
    return { operationId: definition.operationId, definition, parameters };
  }

  /** Everything that is wrong with a request. */
  faults(operationId: string, request: JudgedRequest): readonly Fault[] {
    const errors = this.#errors(operationId, request);
    return errors.length === 0 ? [] : schemaFaults(errors);
  }

  /** What is wrong with a body, outside of any request. */
  bodyFaults(operationId: string, body: unknown): readonly Fault[] {
    // there are no parameters that could be judged
    const errors = this.#errors(operationId, { parameters: {}, query: {}, body });
    return schemaFaults(errors.filter(isOfBody));
  }

  #errors(operationId: string, { parameters, query, body }: JudgedRequest): readonly ErrorObject[] {
    const validators = this.#validators.get(operationId);
    if (validators === undefined) throw new TypeError(`there is no operation ${operationId}`);
    const request = {
      // under the names by which openapi-backend makes the schemas; it makes numbers of these texts
      path: { ...parameters },
      query: { ...query },
      header: {},
      cookie: {},
      requestBody: body,
    };
    const errors: ErrorObject[] = [];
    for (const validate of validators) {
      if (!validate(request)) errors.push(...(validate.errors ?? []));
    }
    return errors;
  }
}

/** Whether it is about the body, or that there is none. */
function isOfBody({ instancePath, params }: ErrorObject): boolean {
  const [, part = (params as { readonly missingProperty?: string }).missingProperty] =
    instancePath.split("/");
  return part === "requestBody";
}
