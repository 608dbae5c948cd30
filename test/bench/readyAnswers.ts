/**
 * Answers that the program has given, one for each scenario, for the servers that it is compared with: they give the same status,
 * headers and body without doing anything for it but to make JSON of the body again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { apiVersion, scenarioHeader, type BenchRequest } from "./scenarios.ts";

export interface ReadyAnswer {
  readonly method: "GET" | "PUT" | "PATCH";
  /** As the contract writes it: `/subscriptions/{subscriptionId}/…`. */
  readonly path: string;
  readonly operationId: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Read from JSON. */
  readonly body: unknown;
}

/** By the name of the scenario. */
export type ReadyAnswers = Readonly<Record<string, ReadyAnswer>>;

/** What the server that answers again sets by itself. */
const ofTheConnection = ["connection", "keep-alive", "date", "content-length", "transfer-encoding"];

export interface RuntimeDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RuntimeOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Content {
  readonly content?: { readonly "application/json": { readonly schema: object } };
}

export interface RuntimeOperation {
  readonly operationId: string;
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

/** The contract as the program loads it. */
export function runtimeDocument(): RuntimeDocument {
  const file = new URL(`../../generated/runtime/${apiVersion}/openapi.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as RuntimeDocument;
}

/** Asks the program once. */
export async function askOnce(
  url: string,
  request: BenchRequest,
  of: { readonly scenario: string; readonly operationId: string },
): Promise<{ readonly ready: ReadyAnswer; readonly text: string }> {
  const { method, path, body } = request;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { [scenarioHeader]: of.scenario, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const headers = [...response.headers].filter(([name]) => !ofTheConnection.includes(name));
  return {
    text,
    ready: {
      method,
      path: pathOf(of.operationId),
      operationId: of.operationId,
      status: response.status,
      headers: Object.fromEntries(headers),
      body: JSON.parse(text) as unknown,
    },
  };
}

function pathOf(operationId: string): string {
  const found = Object.entries(runtimeDocument().paths).find(([, methods]) =>
    Object.values(methods).some((operation) => operation.operationId === operationId),
  );
  if (found === undefined) throw new TypeError(`the contract has no ${operationId}`);
  return found[0];
}

export function writeReadyAnswers(file: string, answers: ReadyAnswers): void {
  writeFileSync(file, JSON.stringify(answers));
}

/** Of the file that the process was started with. */
export function readyAnswers(): ReadyAnswers {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("from which file?");
  return JSON.parse(readFileSync(file, "utf8")) as ReadyAnswers;
}

/** The answer that a request wants. */
export function answerFor(
  answers: ReadyAnswers,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): ReadyAnswer {
  const answer = answers[String(headers[scenarioHeader])];
  if (answer === undefined) throw new Error("no answer is ready for this");
  return answer;
}

/** As the program writes it. */
export function bodyText(answer: ReadyAnswer): string {
  return `${JSON.stringify(answer.body, undefined, 2)}\n`;
}

/** Each method and path once. */
export function routesOf(answers: ReadyAnswers): readonly ReadyAnswer[] {
  const routes = new Map(
    Object.values(answers).map((answer) => [`${answer.method} ${answer.path}`, answer]),
  );
  return [...routes.values()];
}

/** As routers write it: `/subscriptions/:subscriptionId/…`. */
export function routerPath({ path }: ReadyAnswer): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Tells whoever has started the process where it listens. */
export function tellUrl(port: number): void {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
}
