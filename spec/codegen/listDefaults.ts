/**
 * Takes the defaults of lists of objects out of a Swagger, whose readers generate clients: AutoRest has no notation for
 * such a default and stops. OpenAPI 3 and the visibility table keep them, and the descriptions name them.
 */
import type { Swagger } from "./document.ts";

export function withoutListDefaults(swagger: Swagger): Swagger {
  return withoutThem(swagger) as Swagger;
}

function withoutThem(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutThem);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, member]) => key !== "default" || !isList(member),
  );
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutThem(member)]));
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.some((item) => typeof item === "object");
}
