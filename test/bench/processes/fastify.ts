/**
 * Fastify with the contract's schemas: requests are checked by them, as strictly as by the program, and answers written by them,
 * which is how fastify does it: without indentation, so in fewer bytes.
 */
import { fastify } from "fastify";
import type { AddressInfo } from "node:net";
import {
  answerFor,
  readyAnswers,
  routerPath,
  routesOf,
  runtimeDocument,
  tellUrl,
  type ReadyAnswer,
  type RuntimeOperation,
} from "../readyAnswers.ts";

const answers = readyAnswers();
const document = runtimeDocument();

const app = fastify({
  ajv: {
    // all faults are found, and nothing is mended
    customOptions: {
      allErrors: true,
      coerceTypes: false,
      removeAdditional: false,
      useDefaults: false,
      strict: false,
    },
  },
});

/** References as fastify has them: by the name of the schema. */
function referenced<S extends object>(schema: S): S {
  const text = JSON.stringify(schema).replaceAll("#/components/schemas/", "");
  return JSON.parse(text, (key, value: unknown) =>
    key === "$ref" ? `${String(value)}#` : value,
  ) as S;
}

for (const [name, schema] of Object.entries(document.components.schemas)) {
  app.addSchema({ ...referenced(schema), $id: name });
}

function operationOf({ path, method }: ReadyAnswer): RuntimeOperation {
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new TypeError(`the contract has no ${method} of ${path}`);
  return operation;
}

function schemaOf(route: ReadyAnswer): object {
  const { requestBody, responses } = operationOf(route);
  const body = requestBody?.content?.["application/json"].schema;
  const response = Object.entries(responses).flatMap(([status, { content }]) => {
    const schema = content?.["application/json"].schema;
    return schema === undefined ? [] : [[status, referenced(schema)] as const];
  });
  return {
    ...(body === undefined ? {} : { body: referenced(body) }),
    response: Object.fromEntries(response),
  };
}

app.setErrorHandler((error, request, reply) => {
  const answer = answerFor(answers, request.headers);
  const isInvalid = typeof error === "object" && error !== null && "validation" in error;
  // anything else would be a fault of this file
  if (!isInvalid || answer.status !== 400) throw error;
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
});
for (const route of routesOf(answers)) {
  app.route({
    method: route.method,
    url: routerPath(route),
    schema: schemaOf(route),
    handler: async (request, reply) => {
      const answer = answerFor(answers, request.headers);
      if (answer.status === 400) throw new Error("the schema finds nothing wrong with it");
      return reply.code(answer.status).headers(answer.headers).send(answer.body);
    },
  });
}
await app.listen({ host: "127.0.0.1", port: 0 });
tellUrl((app.server.address() as AddressInfo).port);
