/**
 * Finds operations by ARM's rules, which openapi-backend's own router doesn't know: static segments match regardless of case
 * (ARM-03), parameters keep the caller's casing. Templates are taken apart once instead of on every request. It keeps no state
 * of a request.
 */
import type { Document, Operation } from "openapi-backend";
import { foldCase } from "../model/resourceId.ts";
import type { RequestPath } from "./requestPath.ts";

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

export class ArmRouter {
  /** By how many segments they have; the most specific first. */
  readonly #routes: ReadonlyMap<number, readonly Route[]>;
  readonly #byTemplate: ReadonlyMap<string, readonly Segment[]>;

  /** @param operations all of a document. */
  constructor(operations: readonly Operation<Document>[]) {
    const routes = new Map<string, Route>();
    for (const operation of operations) {
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
