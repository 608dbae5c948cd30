/**
 * What an answer may hold: every object closed, so that a member the contract doesn't show there, a secret above all,
 * fails the validation of responses.
 */
import { referredName, type OpenApi, type Schema } from "./document.ts";
import { flatten, ownChecks } from "./flatten.ts";

/** Converts schemas of answers; the named objects that they refer to are gathered on the way. */
export class ResponseSchemas {
  readonly #document: OpenApi;
  readonly #components = new Map<string, Schema>();

  constructor(document: OpenApi) {
    this.#document = document;
  }

  /** The objects referred to so far, by name. */
  get components(): Readonly<Record<string, Schema>> {
    return Object.fromEntries([...this.#components].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The closed form of a schema. A named object stays a reference: errors contain errors. */
  convert(schema: Schema): Schema {
    const flat = flatten(schema, this.#document);
    const reference = soleReference(schema);
    if (reference === undefined || flat.properties === undefined) return this.#closed(schema);
    const name = referredName(reference);
    if (!this.#components.has(name)) {
      this.#components.set(name, {});
      this.#components.set(name, this.#closed({ $ref: reference }));
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  #closed(schema: Schema): Schema {
    const flat = flatten(schema, this.#document);
    const { properties, required, items, additionalProperties } = flat;
    return {
      ...ownChecks(flat),
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties).map(([name, member]) => [name, this.convert(member)]),
        ),
      }),
      ...(required && { required }),
      ...(items && { items: this.convert(items) }),
      ...(flat.type === "object" && {
        additionalProperties:
          typeof additionalProperties === "object" ? this.convert(additionalProperties) : false,
      }),
    };
  }
}

/** The reference, if a schema is nothing else: emitters wrap one in `allOf` to put a description beside it. */
function soleReference(schema: Schema): string | undefined {
  if (schema.properties !== undefined) return undefined;
  return schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined);
}
