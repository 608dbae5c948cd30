/**
 * Reads what Microsoft publishes of a resource type: the types that the Bicep compiler checks templates against. They come out
 * of the program of an npm package; it must never be asked for anything that needs the network or an account.
 */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { AzureMember, AzureObject, AzureType } from "../deploy/azureTypes.ts";

/** As the program writes it. */
interface PublishedMember {
  readonly name: string;
  readonly type: string;
  readonly flags?: string;
  readonly modifiers?: string;
}

interface PublishedObject {
  readonly $type: string;
  readonly name: string;
  readonly properties?: readonly PublishedMember[];
  readonly additionalPropertiesType?: string;
  readonly baseProperties?: readonly PublishedMember[];
  readonly elements?: readonly PublishedObject[];
  readonly discriminator?: string;
}

interface PublishedResource {
  readonly $type: "Resource";
  readonly name: string;
  readonly bodyType: PublishedObject;
}

const program = join(
  dirname(createRequire(import.meta.url).resolve("@azure/mcp-linux-x64/package.json")),
  "dist/azmcp",
);

/** The latest version that isn't a preview, without descriptions and without what can't be written. */
export async function publishedType(resourceType: string): Promise<AzureType> {
  const { stdout } = await promisify(execFile)(
    program,
    ["bicepschema", "get", "--resource-type", resourceType],
    {
      maxBuffer: 16 * 1024 * 1024,
      env: {
        AZURE_MCP_COLLECT_TELEMETRY: "false",
        // it brings no data of languages, and asks for those of the machine
        DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1",
      },
    },
  );
  const answer = JSON.parse(stdout) as {
    readonly results: {
      readonly BicepSchemaResult: readonly (PublishedResource | PublishedObject)[];
    };
  };
  const published = answer.results.BicepSchemaResult;
  const resource = published.find((each) => each.$type === "Resource") as PublishedResource;
  const others = published.filter((each) => each.$type.endsWith("Object")) as PublishedObject[];
  return {
    resource: resource.name,
    body: inShort(resource.bodyType),
    objects: reachable(
      inShort(resource.bodyType),
      new Map(others.map((each) => [each.name, each])),
    ),
  };
}

function reachable(
  body: AzureObject,
  all: ReadonlyMap<string, PublishedObject>,
): Readonly<Record<string, AzureObject>> {
  const found = new Map<string, AzureObject>();
  const visit = (object: AzureObject): void => {
    const types = [
      ...Object.values(object.members).map(({ type }) => type),
      ...(object.others === undefined ? [] : [object.others]),
    ];
    for (const name of types.flatMap((type) => type.split(/[^\w]+/))) {
      const published = all.get(name);
      if (published === undefined || found.has(name)) continue;
      const short = inShort(published);
      found.set(name, short);
      visit(short);
    }
    for (const variant of Object.values(object.variants ?? {})) visit(variant);
  };
  visit(body);
  return Object.fromEntries([...found].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function inShort(object: PublishedObject): AzureObject {
  const { discriminator, elements = [], additionalPropertiesType: others } = object;
  const members = membersOf(object.baseProperties ?? object.properties ?? []);
  if (discriminator === undefined) return { members, ...(others === undefined ? {} : { others }) };
  const variants = elements.map((element): [string, AzureObject] => [
    element.properties?.find(({ name }) => name === discriminator)?.type ?? element.name,
    inShort(element),
  ]);
  return { members, discriminator, variants: Object.fromEntries(variants) };
}

function membersOf(published: readonly PublishedMember[]): Readonly<Record<string, AzureMember>> {
  return Object.fromEntries(
    published
      .filter(({ flags }) => flags?.includes("ReadOnly") !== true)
      .map(({ name, type, flags, modifiers }) => [
        name,
        {
          type,
          ...(flags?.includes("Required") === true ? { required: true } : {}),
          ...(modifiers === undefined ? {} : { limits: modifiers }),
        },
      ]),
  );
}
