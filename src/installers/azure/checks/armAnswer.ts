/**
 * Reads from Azure Resource Manager what no client of the SDKs has a method for, by the same pipeline: sign-in, retries, errors. It
 * must never change anything.
 */
import { createPipelineRequest, RestError } from "@azure/core-rest-pipeline";
import type { AzureClients } from "../azureConnection.ts";

/**
 * The body of the answer to a GET.
 *
 * @param path without the query.
 * @throws the SDK's RestError.
 */
export async function armAnswer(
  clients: AzureClients,
  path: string,
  options: { readonly apiVersion: string; readonly signal: AbortSignal },
): Promise<unknown> {
  let body: unknown;
  await clients.resources.resources.getById(path.replace(/^\//, ""), options.apiVersion, {
    abortSignal: options.signal,
    onResponse: ({ parsedBody, bodyAsText }) => {
      body = parsedBody ?? JSON.parse(bodyAsText ?? "null");
    },
  });
  return body;
}

/**
 * The body of the answer to a GET of a link to a further page.
 *
 * @returns `undefined` when the link leads elsewhere than to Azure Resource Manager, which alone may see the token.
 * @throws {RestError}
 */
export async function armPage(
  { authorization, endpoint }: AzureClients,
  link: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<unknown> {
  if (URL.parse(link)?.origin !== new URL(endpoint).origin) return undefined;
  const request = createPipelineRequest({ url: link, abortSignal: signal });
  const response = await authorization.sendRequest(request);
  const { status: statusCode, bodyAsText } = response;
  if (statusCode !== 200) throw new RestError("no page came", { statusCode, request, response });
  return JSON.parse(bodyAsText ?? "null");
}
