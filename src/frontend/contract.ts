/**
 * The contract at work: one openapi-backend per api-version, made from the generated runtime document. It finds the
 * operation of a request, checks the body against the schema and calls the handler. It decides nothing that the contract
 * does not say, and never lets a schema's default or coercion change a body.
 */
import { readFileSync } from "node:fs";
import { OpenAPIBackend, OpenAPIValidator, type Document } from "openapi-backend";
import { foldCase } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import type { ApiVersion } from "../versions/apiVersion.ts";
import type { Answer } from "./answer.ts";
import { ArmRouter } from "./armRouter.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { isArmPath, pathFaults, shown, type RequestPath } from "./requestPath.ts";
import { isFormFault, schemaFaults } from "./schemaFaults.ts";

/** An operation of an api-version that a request has found. */
export interface Route {
  readonly version: ApiVersion;
  readonly operationId: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** @throws {RpError} with the body's faults, or whatever the handler throws. */
  run(request: RouteRequest): Promise<Answer>;
}

/** A request, as far as the route doesn't know it. */
export type RouteRequest = Pick<Exchange, "path" | "query" | "body" | "context" | "services">;

/** A handler for each operationId of every version. */
export type Handlers = Readonly<Record<string, Handler>>;

interface Served {
  readonly version: ApiVersion;
  readonly api: OpenAPIBackend;
  readonly router: ArmRouter;
}

const runtimeFolder = new URL("../../generated/runtime/", import.meta.url);

export class Contract {
  readonly #served: ReadonlyMap<string, Served>;

  private constructor(served: ReadonlyMap<string, Served>) {
    this.#served = served;
  }

  /**
   * Loads the documents of these versions.
   *
   * @throws {Error} when a document is missing, or names an operation without a handler.
   */
  static async load(versions: readonly ApiVersion[], handlers: Handlers): Promise<Contract> {
    const served = new Map<string, Served>();
    for (const version of versions) {
      served.set(foldCase(version.name), await serve(version, handlers));
    }
    return new Contract(served);
  }

  /**
   * Finds what a request asks for.
   *
   * @throws {RpError} `NotFound`, `MethodNotAllowed`, an `…ApiVersionParameter` or everything wrong with the path's names.
   */
  route(method: string, path: RequestPath): Route {
    if (!isArmPath(path.segments)) throw notFound(path);
    const { version, router, api } = this.#versionOf(path.query);
    const faults = pathFaults(path.segments);
    if (faults.length > 0) throw RpError.ofFaults(faults);
    const match = router.route(path.segments);
    if (match === undefined) throw notFound(path);
    // HEAD is answered as GET; Node leaves the body out (decision 26)
    const asked = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = match.operations.get(asked);
    if (operation?.operationId === undefined)
      throw methodNotAllowed(method, match.operations.keys());
    const parameters = router.parameters(operation, path.path);
    return {
      version,
      operationId: operation.operationId,
      parameters,
      run: async (request) => {
        const exchange = { ...request, version, parameters };
        return (await api.handleRequest(
          {
            method: asked,
            path: path.path,
            headers: { "content-type": "application/json" },
            // other keys are ARM's or a caller's own, and tolerated (ARM-11)
            query: { "api-version": version.name },
            body: request.body,
          },
          exchange,
        )) as Answer;
      },
    };
  }

  #versionOf(query: URLSearchParams): Served {
    const names = [...query].filter(([name]) => foldCase(name) === "api-version");
    const [asked, ...more] = names.map(([, value]) => value.trim());
    const supported = [...this.#served.values()].map(({ version }) => version.name).join(", ");
    if (asked === undefined || (asked === "" && more.length === 0)) {
      throw new RpError({
        code: "MissingApiVersionParameter",
        message: `The query needs an api-version. Supported: ${supported}.`,
        target: "api-version",
      });
    }
    const found = more.length === 0 ? this.#served.get(foldCase(asked)) : undefined;
    if (found === undefined) {
      throw new RpError({
        code: "InvalidApiVersionParameter",
        message: `The api-version '${shown([asked, ...more].join(", "))}' is not supported. Supported: ${supported}.`,
        target: "api-version",
      });
    }
    return found;
  }
}

async function serve(version: ApiVersion, handlers: Handlers): Promise<Served> {
  const file = new URL(`${version.name}/openapi.json`, runtimeFolder);
  const definition = JSON.parse(readFileSync(file, "utf8")) as Document;
  const api = new OpenAPIBackend({
    definition,
    // the meta-schema check costs seconds; a test makes it
    quick: true,
    ajvOpts: { allErrors: true, useDefaults: false, coerceTypes: false, removeAdditional: false },
  });
  await api.init();
  const router = new ArmRouter(api.definition);
  api.router = router;
  api.validator = new OpenAPIValidator({
    definition: api.definition,
    ajvOpts: api.ajvOpts,
    router,
    lazyCompileValidators: true,
  });
  // callers are authenticated before the contract is asked
  for (const scheme of Object.keys(api.definition.components?.securitySchemes ?? {})) {
    api.registerSecurityHandler(scheme, () => true);
  }
  // the handler judges; a fault of form never gets there
  api.register("validationFail", async (context, exchange: RouteRequest) =>
    runHandler(context, exchange),
  );
  for (const { operationId } of router.getOperations()) {
    if (operationId === undefined || handlers[operationId] === undefined) {
      throw new Error(`api-version ${version.name}: no handler for operation ${operationId}`);
    }
    api.register(operationId, async (context, exchange: RouteRequest) =>
      runHandler(context, exchange),
    );
    // compiled now rather than during the first request
    api.validator.getRequestValidatorsForOperation(operationId);
  }

  type Context = Parameters<Parameters<typeof api.registerHandler>[1]>[0];
  async function runHandler(context: Context, request: RouteRequest): Promise<Answer> {
    const { operationId = "" } = context.operation;
    const handler = handlers[operationId];
    if (handler === undefined) throw new TypeError(`no handler for ${operationId}`);
    const faults = schemaFaults(context.validation.errors ?? []);
    if (faults.length > 0 && (handler.judgesBody !== true || faults.some(isFormFault))) {
      throw RpError.ofFaults(faults);
    }
    return handler.handle({
      ...request,
      version,
      parameters: context.request.params as Record<string, string>,
      bodyFaults: faults,
    });
  }
  return { version, api, router };
}

function notFound(path: RequestPath): RpError {
  return new RpError({ code: "NotFound", message: `There is no route '${shown(path.path)}'.` });
}

function methodNotAllowed(method: string, methods: Iterable<string>): RpError {
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
