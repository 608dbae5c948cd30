/**
 * The TypeScript types of a version, by openapi-typescript from the emitted OpenAPI 3.1. Types are for the compiler
 * only: nothing may take a validation from here.
 */
import { registerHooks } from "node:module";
import { follow, referencesIn, type OpenApi } from "./document.ts";

/** The module with the types of a document. */
export async function typesModule(document: OpenApi): Promise<string> {
  // openapi-typescript drives the compiler of TypeScript 5, which is this workspace's; the root's has no such API,
  // and where npm puts openapi-typescript decides which of the two it would find by itself
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "typescript"
        ? next(specifier, { ...context, parentURL: import.meta.url })
        : next(specifier, context),
  });
  const { default: openapiTypescript, astToString } = await import("openapi-typescript");
  hooks.deregister();
  const nodes = await openapiTypescript(
    JSON.parse(JSON.stringify(mapsSpelledOut(reachable(document)))),
    // a cluster made through another api-version may lack a member that has a default
    { defaultNonNullable: false },
  );
  return astToString(nodes);
}

/** The document without the components that no operation leads to; the emitter leaves half of ARM's common types. */
export function reachable(document: OpenApi): OpenApi {
  const seen = new Set<string>();
  const visit = (part: unknown): void => {
    for (const reference of referencesIn(part)) {
      if (seen.has(reference)) continue;
      seen.add(reference);
      visit(follow(document, reference));
    }
  };
  visit(document.paths);
  const components = Object.entries(document.components).map(([section, members]) => [
    section,
    Object.fromEntries(
      Object.entries(members as object).filter(
        ([name]) => section === "securitySchemes" || seen.has(`#/components/${section}/${name}`),
      ),
    ),
  ]);
  return { ...document, components: Object.fromEntries(components) };
}

/** The emitter writes maps by a keyword of JSON Schema that openapi-typescript doesn't know; the older one says the same. */
function mapsSpelledOut<T>(value: T): T {
  if (Array.isArray(value)) return value.map(mapsSpelledOut) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name === "unevaluatedProperties" ? "additionalProperties" : name,
      mapsSpelledOut(member),
    ]),
  ) as T;
}
