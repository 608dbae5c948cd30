/**
 * The OpenAPI document as the page shows it: a copy whose requests go to the server that the page came from, whose
 * `api-version` is filled in, and whose parameters and bodies hold the contract's own examples. It changes nothing that a
 * caller could get wrong by it: paths, schemas and answers are those of the contract.
 */

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly schema?: object;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> };
}

type Paths<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

export interface OpenApiDocument {
  readonly info: { readonly description?: string };
  readonly paths: Paths<Operation>;
  readonly components: {
    readonly parameters?: Readonly<Record<string, Parameter>>;
    readonly securitySchemes?: unknown;
  };
  readonly security?: unknown;
  readonly servers?: unknown;
}

interface Example {
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What the page takes from the Swagger, which alone has examples. */
export interface SwaggerDocument {
  readonly paths: Paths<{
    readonly parameters?: readonly Partial<Parameter>[];
    readonly "x-ms-examples"?: Readonly<Record<string, Example>>;
  }>;
}

export interface PageDocumentOptions {
  readonly openapi: OpenApiDocument;
  /** Of the same version. */
  readonly swagger: SwaggerDocument;
  readonly version: string;
  /** Where the documents are, for readers of the page. */
  readonly links: { readonly openapi: string; readonly swagger: string };
}

export function pageDocument(options: PageDocumentOptions): OpenApiDocument {
  const { openapi, swagger, version, links } = options;
  // without `servers` the page asks the server that it came from; without `security` it offers no way to log in, which
  // nobody here asks for
  const { servers: _, security: __, components, ...others } = openapi;
  const { securitySchemes: ___, ...shared } = components;

  const shownOperation = (operation: Operation, path: string, method: string): Operation => {
    const ofSwagger = swagger.paths[path]?.[method];
    const examples = ofSwagger?.["x-ms-examples"] ?? {};
    const bodyName = ofSwagger?.parameters?.find((parameter) => parameter.in === "body")?.name;
    const parameters = operation.parameters?.map((parameter) =>
      shownParameter(dereferenced(parameter, openapi), version, Object.values(examples)[0]),
    );
    return {
      ...operation,
      ...(parameters && { parameters }),
      ...(operation.requestBody &&
        bodyName !== undefined && {
          requestBody: withBodies(operation.requestBody, bodies(examples, bodyName)),
        }),
    };
  };

  return {
    ...others,
    info: {
      ...openapi.info,
      description:
        `${openapi.info.description ?? ""}\n\n` +
        `The documents of this api-version: [OpenAPI 3](${links.openapi}), [Swagger 2](${links.swagger})`,
    },
    components: shared,
    paths: mapPaths(openapi.paths, shownOperation),
  };
}

function mapPaths<T>(
  paths: Paths<T>,
  change: (operation: T, path: string, method: string) => T,
): Paths<T> {
  return Object.fromEntries(
    Object.entries(paths).map(([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, operation]) => [
          method,
          change(operation, path, method),
        ]),
      ),
    ]),
  );
}

function dereferenced(parameter: Parameter, { components }: OpenApiDocument): Parameter {
  if (parameter.$ref === undefined) return parameter;
  const name = parameter.$ref.slice(parameter.$ref.lastIndexOf("/") + 1);
  const found = components.parameters?.[name];
  if (found === undefined) throw new Error(`there is nothing at ${parameter.$ref}`);
  return found;
}

function shownParameter(
  parameter: Parameter,
  version: string,
  example: Example | undefined,
): Parameter & { readonly example?: unknown } {
  if (parameter.in === "query" && parameter.name === "api-version") {
    return { ...parameter, schema: { type: "string", enum: [version], default: version } };
  }
  const value = example?.parameters[parameter.name];
  return value === undefined ? parameter : { ...parameter, example: value };
}

/** The bodies of the examples by their titles. */
function bodies(
  examples: Readonly<Record<string, Example>>,
  bodyName: string,
): Readonly<Record<string, { readonly value: unknown }>> {
  return Object.fromEntries(
    Object.entries(examples).map(([title, { parameters }]) => [
      title,
      { value: parameters[bodyName] },
    ]),
  );
}

function withBodies(
  requestBody: NonNullable<Operation["requestBody"]>,
  examples: object,
): NonNullable<Operation["requestBody"]> {
  return {
    ...requestBody,
    content: Object.fromEntries(
      Object.entries(requestBody.content).map(([type, media]) => [type, { ...media, examples }]),
    ),
  };
}
