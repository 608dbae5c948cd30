/**
 * The shape of the emitted documents, as far as the generator looks at it, and how references in them are followed.
 * Documents are data that came from a file: nothing here may change one in place.
 */

/** A JSON schema as OpenAPI 3.0 and Swagger 2 write it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly readOnly?: boolean;
  readonly nullable?: boolean;
  readonly [keyword: string]: unknown;
}

/** A parameter; Swagger 2 writes its schema's keywords beside its name. */
export interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

/** The content of a request or an answer. */
export interface Content {
  readonly "application/json": { readonly schema: Schema };
}

export interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly schema: Schema }>>;
  /** OpenAPI 3. */
  readonly content?: Content;
  /** Swagger 2. */
  readonly schema?: Schema;
}

export interface Operation {
  readonly operationId: string;
  readonly deprecated?: boolean;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}

/** Path, then method. */
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

interface Info {
  readonly title: string;
  readonly version: string;
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: Info;
  readonly paths: Paths;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly parameters?: Readonly<Record<string, Parameter>>;
  };
}

export interface Swagger {
  readonly swagger: string;
  readonly info: Info;
  readonly paths: Paths;
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly parameters?: Readonly<Record<string, object>>;
}

/** What a local reference (`#/components/schemas/X`) names. */
export function follow(document: object, reference: string): unknown {
  if (!reference.startsWith("#/")) throw new TypeError(`not a local reference: ${reference}`);
  let found: unknown = document;
  for (const part of reference.slice(2).split("/")) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = (found as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  if (found === undefined) throw new TypeError(`nothing at ${reference}`);
  return found;
}

/** The last part of a reference: the name that it refers to. */
export function referredName(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/** Every value of `$ref` in a document or a part of one. */
export function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === "$ref" && typeof member === "string" ? [member] : referencesIn(member),
  );
}
