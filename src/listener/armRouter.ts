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
import { parseRequestPath } from "./requestPath.ts";

/** A segment of a template: fixed text in lower case, or the name of a parameter. */
type Segment = { readonly text: string } | { readonly parameter: string };

interface Route {
  readonly segments: readonly Segment[];
  readonly fixedCount: number;
  /** By method in lower case. */
  readonly operations: Map<string, Operation<Document>>;
}

/** What a path matches. */
export interface RouteMatch {
  readonly operations: ReadonlyMap<string, Operation<Document>>;
}

export class ArmRouter extends OpenAPIRouter<Document> {
  readonly #routes: readonly Route[];
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
    this.#routes = [...routes.values()].toSorted((one, other) => other.fixedCount - one.fixedCount);
    this.#byTemplate = new Map([...routes].map(([path, { segments }]) => [path, segments]));
  }

  /** The operations at a path; `undefined` when there is no such route. */
  route(segments: readonly string[]): RouteMatch | undefined {
    return this.#routes.find((route) => matches(route.segments, segments));
  }

  override matchOperation(request: Request): Operation<Document> | undefined;
  override matchOperation(request: Request, strict: boolean): Operation<Document>;
  override matchOperation(request: Request, strict = false): Operation<Document> | undefined {
    const found = this.route(parseRequestPath(request.path).segments);
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

  /** Everything is parsed already; only parameters are taken from the path. */
  override parseRequest(request: Request, operation?: Operation<Document>): ParsedRequest {
    return {
      method: request.method.toLowerCase(),
      path: request.path,
      headers: request.headers,
      query: request.query ?? {},
      cookies: {},
      params: operation === undefined ? {} : this.parameters(operation, request.path),
      requestBody: request.body,
      body: request.body,
    };
  }

  /** The values of a template's parameters, percent-decoded, in the caller's casing. */
  parameters(operation: Operation<Document>, path: string): Record<string, string> {
    const { segments } = parseRequestPath(path);
    const parameters: Record<string, string> = {};
    for (const [index, segment] of (this.#byTemplate.get(operation.path) ?? []).entries()) {
      if ("parameter" in segment) parameters[segment.parameter] = segments[index] ?? "";
    }
    return parameters;
  }
}

function parseTemplate(path: string): readonly Segment[] {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map((part) =>
      part.startsWith("{") ? { parameter: part.slice(1, -1) } : { text: foldCase(part) },
    );
}

function matches(template: readonly Segment[], segments: readonly string[]): boolean {
  return (
    template.length === segments.length &&
    template.every((part, index) =>
      "text" in part ? part.text === foldCase(segments[index] ?? "") : segments[index] !== "",
    )
  );
}
