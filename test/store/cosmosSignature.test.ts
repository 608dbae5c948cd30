/** Requests to Cosmos DB are signed as the service wants it. */
import { setAuthorizationTokenHeaderUsingMasterKey, type RequestInfo } from "@azure/cosmos";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AccountKey } from "../../src/accountSettings.ts";
import { signerBy } from "../../src/store/cosmosSignature.ts";

/** The example of https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources */
const exampleKey =
  "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw==";

test("the service's own example", async () => {
  const signature = await signerBy(new AccountKey(exampleKey))({
    verb: "GET",
    path: "",
    resourceType: "dbs",
    resourceId: "dbs/ToDoList",
    headers: { "x-ms-date": "Thu, 27 Apr 2017 00:51:12 GMT" },
  } as RequestInfo);
  expect(encodeURIComponent(signature)).toBe(
    "type%3Dmaster%26ver%3D1.0%26sig%3Dc09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu%2Bc%2Bc%3D",
  );
});

test("as the SDK signs by itself, whatever the request", async () => {
  const of = {
    verb: fc.constantFrom("GET", "POST", "PUT", "DELETE"),
    resourceType: fc.constantFrom("", "colls", "docs", "pkranges"),
    // the account has no name
    resourceId: fc.oneof(fc.constant(""), fc.string({ unit: "grapheme" })),
    key: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  };
  await fc.assert(
    fc.asyncProperty(fc.record(of), async ({ verb, resourceType, resourceId, key }) => {
      const text = Buffer.from(key).toString("base64");
      const asked = { verb, resourceType, resourceId } as RequestInfo;
      const headers: Record<string, string> = {};
      await setAuthorizationTokenHeaderUsingMasterKey(
        asked.verb,
        asked.resourceId,
        asked.resourceType,
        headers,
        text,
      );
      const signature = await signerBy(new AccountKey(text))({ ...asked, path: "", headers });
      expect(encodeURIComponent(signature)).toBe(headers["authorization"]);
    }),
  );
});
