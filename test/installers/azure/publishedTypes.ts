/**
 * The resource types of the installer's templates, parted by whether the package that the stored types come from has them. Its
 * versions are older than those of the SDKs: what the templates say must have been said so then too.
 */
import { apiVersions } from "../../../src/installers/azure/template/apiVersions.ts";
import type { ResourceType } from "../../../src/installers/azure/template/apiVersions.ts";
import { resourcesTemplate } from "../../../src/installers/azure/template/resourcesTemplate.ts";
import { storageTemplate } from "../../../src/installers/azure/template/storageTemplate.ts";
import { resourcesInput } from "./resourcesInput.ts";

/** Its index names them, but the files with their types aren't in it. */
export const unpublishedTypes: readonly ResourceType[] = [
  "Microsoft.Network/privateDnsZones",
  "Microsoft.Network/privateDnsZones/A",
  "Microsoft.Network/privateDnsZones/SRV",
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
];

/** Each type in a template once, in the order of the alphabet. */
export function publishedTypes(): readonly ResourceType[] {
  const storage = { storageAccount: "account", location: "westeurope", incarnationId: "id" };
  const templates = [resourcesTemplate(resourcesInput()), storageTemplate(storage)];
  const used = new Set<string>(
    templates.flatMap(({ resources }) => resources.map(({ type }) => type)),
  );
  return (Object.keys(apiVersions) as ResourceType[]).filter(
    (type) => used.has(type) && !unpublishedTypes.includes(type),
  );
}
