/** The stand-in for Azure as a whole, by plain requests. */
import { expect, test } from "vitest";
import { LocalAzure } from "./localAzure.ts";

test("who trusts its authority reaches it, and nothing exists at first", async () => {
  await using azure = await LocalAzure.start();
  azure.trust();
  const answer = await fetch(`${azure.url}/nowhere`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ error: { code: "NotImplementedByStandIn" } });
  expect(azure.resources()).toEqual([]);
});
