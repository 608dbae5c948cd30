/**
 * Signs requests to Cosmos DB by an account's key. The SDK does so too, but makes the key anew from its text for every request, which
 * takes longer than the signature. It must never show the key.
 *
 * What is signed: https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
 */
import { createHmac, createSecretKey } from "node:crypto";
import type { RequestInfo } from "@azure/cosmos";
import type { AccountKey } from "../accountSettings.ts";

/** What the SDK asks for each request; it encodes the answer for the header itself. */
export function signerBy(key: AccountKey): (request: RequestInfo) => Promise<string> {
  const secret = createSecretKey(Buffer.from(key.reveal(), "base64"));
  return async ({ verb, resourceType, resourceId, headers }) => {
    const date = String(headers["x-ms-date"]).toLowerCase();
    const text = `${verb.toLowerCase()}\n${resourceType.toLowerCase()}\n${resourceId}\n${date}\n\n`;
    const signature = createHmac("sha256", secret).update(text).digest("base64");
    return `type=master&ver=1.0&sig=${signature}`;
  };
}
