/**
 * Makes the document that the server loads from the emitted OpenAPI 3.0: the same operations, with schemas that a
 * validator can work with (see requestSchemas.ts, responseSchemas.ts) and without what the server decides by itself:
 * names in the path, authentication, the host. It must never make a request valid that the contract refuses for its
 * shape.
 */
import { follow, type OpenApi, type Operation, type Parameter, type Schema } from "./document.ts";
import { flatten, ownChecks } from "./flatten.ts";
import { patchSchema, requestSchema } from "./requestSchemas.ts";
import { ResponseSchemas } from "./responseSchemas.ts";

/** The normalised document. */
export function normalise(document: OpenApi): OpenApi {
  const responses = new ResponseSchemas(document);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [path, methods] of Object.entries(document.paths)) {
    const operations: Record<string, Operation> = {};
    for (const [method, operation] of Object.entries(methods)) {
      const body = bodySchema(document, path, method);
      operations[method] = {
        operationId: operation.operationId,
        ...(operation.deprecated && { deprecated: true }),
        parameters: operation.parameters.map((parameter) => normalParameter(document, parameter)),
        ...(body && {
          requestBody: {
            required: operation.requestBody?.required === true,
            content: { "application/json": { schema: body } },
          },
        }),
        responses: Object.fromEntries(
          Object.entries(operation.responses).map(([status, response]) => [
            status,
            {
              description: response.description,
              ...(response.content && {
                content: {
                  "application/json": {
                    schema: responses.convert(response.content["application/json"].schema),
                  },
                },
              }),
            },
          ]),
        ),
      };
    }
    paths[path] = operations;
  }
  const { title, version } = document.info;
  return {
    openapi: document.openapi,
    info: { title, version },
    paths,
    components: { schemas: responses.components },
  };
}

/** The schema of a request's body. A PATCH takes its PUT's: the emitted one lists only what can be changed. */
function bodySchema(document: OpenApi, path: string, method: string): Schema | undefined {
  const methods = document.paths[path];
  if (methods?.[method]?.requestBody === undefined) return undefined;
  const operation = method === "patch" ? methods["put"] : methods[method];
  const asked = operation?.requestBody?.content["application/json"].schema;
  if (asked === undefined) throw new TypeError(`${path} has a PATCH but no PUT with a body`);
  const shown = operation?.responses["200"]?.content?.["application/json"].schema;
  const schema = requestSchema(document, asked, method === "post" ? undefined : shown);
  return method === "patch" ? patchSchema(schema) : schema;
}

/**
 * A parameter with a plain schema. Names in the path have none beyond being a string: the server checks them itself,
 * with an error code for each, and takes resource group names with letters of every script (ARM-07), which the pattern
 * of the common types refuses. `explode: false` would make an array of every single value.
 */
function normalParameter(document: OpenApi, parameter: Parameter): Parameter {
  const given =
    parameter.$ref === undefined ? parameter : (follow(document, parameter.$ref) as Parameter);
  if (given.schema === undefined) throw new TypeError(`parameter ${given.name} has no schema`);
  const schema =
    given.in === "path" ? { type: "string" } : ownChecks(flatten(given.schema, document));
  return {
    name: given.name,
    in: given.in,
    ...(given.required === true && { required: true }),
    schema,
  };
}
