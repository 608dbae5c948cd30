/**
 * The types that the templates are held against, the deployment's and those of the installer on Azure, are those that Microsoft
 * publishes: nothing in the stored files was changed by hand. `npx vitest run --project slow test/conformance/azureTypes.slow.test.ts -u` writes them anew.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fileOf, storedTypes } from "../deploy/azureTypes.ts";
import { templateResourceTypes } from "../deploy/azureTemplate.ts";
import { publishedTypes } from "../installers/azure/publishedTypes.ts";

const isThere = process.platform === "linux" && process.arch === "x64";

const neededTypes = [...new Set([...templateResourceTypes(), ...publishedTypes()])].toSorted();

// the package has a program for each platform; continuous integration runs on this one
test.runIf(isThere).each(neededTypes)("%s is as published", async (resourceType) => {
  const { publishedType } = await import("./azureTypes.ts");
  const type = await publishedType(resourceType);
  await expect(`${JSON.stringify(type, null, 1)}\n`).toMatchFileSnapshot(
    fileURLToPath(fileOf(resourceType)),
  );
});

test("no type is stored without need", () => {
  const stored = storedTypes().map(({ resource }) => resource.split("@")[0] ?? "");
  expect(stored.toSorted()).toEqual(neededTypes);
});
