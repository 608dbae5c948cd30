/**
 * openapi-backend's router for ARM's rules: static segments match regardless of case (ARM-03), parameters keep the
 * caller's casing, and templates are taken apart once instead of on every request. It keeps no state of a request.
 */
import {
  OpenAPIRouter,
  type Document,
  type Operation,
  type ParsedRequest,
  type Request,
} from "openapi-backend";
import { foldCase } from "../model/resourceId.ts";
import { parseRequestPath, type RequestPath } from "./requestPath.ts";

/** A segment of a template: fixed text in lower case, or the name of a parameter. */
type Segment = { readonly text: string } | { readonly parameter: string };

interface Route {
  readonly segments: readonly Segment[];
  readonly fixedCount: number;
  /** By method in lower case. */
  readonly operations: Map<string, Operation<Document>>;
}

/** A request whose path has been taken apart already. */
export interface ArmRequest extends Request {
  readonly target: RequestPath;
}

/** What a path matches. */
export interface RouteMatch {
  readonly operations: ReadonlyMap<string, Operation<Document>>;
}

export class ArmRouter extends OpenAPIRouter<Document> {
  /** By how many segments they have; the most specific first. */
  readonly #routes: ReadonlyMap<number, readonly Route[]>;
  readonly #operations: readonly Operation<Document>[];
  readonly #byId: ReadonlyMap<string, Operation<Document>>;
  readonly #byTemplate: ReadonlyMap<string, readonly Segment[]>;

  constructor(definition: Document) {
    super({ definition });
    this.#operations = super.getOperations();
    this.#byId = new Map(
      this.#operations.map((operation) => [operation.operationId ?? "", operation]),
    );
    const routes = new Map<string, Route>();
    for (const operation of this.#operations) {
      let route = routes.get(operation.path);
      if (route === undefined) {
        const segments = parseTemplate(operation.path);
        const fixedCount = segments.filter((segment) => "text" in segment).length;
        route = { segments, fixedCount, operations: new Map() };
        routes.set(operation.path, route);
      }
      route.operations.set(operation.method, operation);
    }
    // the more fixed segments, the more specific
    const bySpecificity = [...routes.values()].toSorted(
      (one, other) => other.fixedCount - one.fixedCount,
    );
    this.#routes = Map.groupBy(bySpecificity, ({ segments }) => segments.length);
    this.#byTemplate = new Map([...routes].map(([path, { segments }]) => [path, segments]));
  }

  /** The operations at a path; `undefined` when there is no such route. */
  route({ names }: Pick<RequestPath, "names">): RouteMatch | undefined {
    return this.#routes.get(names.length)?.find(({ segments }) => matches(segments, names));
  }

  override matchOperation(request: Request): Operation<Document> | undefined;
  override matchOperation(request: Request, strict: boolean): Operation<Document>;
  override matchOperation(request: Request, strict = false): Operation<Document> | undefined {
    const found = this.route(targetOf(request));
    const operation = found?.operations.get(request.method.toLowerCase());
    if (operation === undefined && strict) {
      // the beginning of the text is how openapi-backend tells them apart
      throw new Error(found === undefined ? "404-notFound" : "405-methodNotAllowed");
    }
    return operation;
  }

  override getOperations(): Operation<Document>[] {
    // the base class's constructor may call it before there are fields
    return #operations in this ? [...this.#operations] : super.getOperations();
  }

  override getOperation(operationId: string): Operation<Document> | undefined {
    return this.#byId.get(operationId);
  }

  /** For openapi-backend's own validation: everything is parsed already; only parameters are taken from the path. */
  override parseRequest(request: Request, operation?: Operation<Document>): ParsedRequest {
    return {
      method: request.method.toLowerCase(),
      path: request.path,
      headers: request.headers,
      query: request.query ?? {},
      cookies: {},
      params: operation === undefined ? {} : this.parameters(operation, targetOf(request)),
      requestBody: request.body,
      body: request.body,
    };
  }

  /** The values of a template's parameters, percent-decoded, in the caller's casing. */
  parameters(
    operation: Operation<Document>,
    { segments }: Pick<RequestPath, "segments">,
  ): Record<string, string> {
    const parameters: Record<string, string> = {};
    for (const [index, segment] of (this.#byTemplate.get(operation.path) ?? []).entries()) {
      if ("parameter" in segment) parameters[segment.parameter] = segments[index] ?? "";
    }
    return parameters;
  }
}

function targetOf(request: Request | ArmRequest): RequestPath {
  return "target" in request ? request.target : parseRequestPath(request.path);
}

function parseTemplate(path: string): readonly Segment[] {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map((part) =>
      part.startsWith("{") ? { parameter: part.slice(1, -1) } : { text: foldCase(part) },
    );
}

/** @param names as many as the template has segments. */
function matches(template: readonly Segment[], names: readonly string[]): boolean {
  return template.every((part, index) =>
    "text" in part ? part.text === names[index] : names[index] !== "",
  );
}
