/**
 * Reads from Azure Resource Manager what no client of the SDKs has a method for, by the same pipeline: sign-in, retries, errors. It
 * must never change anything.
 */
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
