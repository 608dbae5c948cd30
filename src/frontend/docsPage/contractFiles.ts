/**
 * The documents of each api-version as files to fetch: OpenAPI 3 as it is emitted, Swagger 2 made self-contained, so that
 * either is whole wherever it is saved, and the variant that the page itself reads; beside them the document of what ARM
 * itself calls. Those of a version name ARM's host, since clients are made from them; only the page's variant may lead here.
 */
import { readFileSync } from "node:fs";
import { pageDocument, type OpenApiDocument, type SwaggerDocument } from "./pageDocument.ts";
import { selfContained } from "./selfContained.ts";
import { servedFile, type ServedFile } from "./servedFile.ts";

const generated = new URL("../../../generated/", import.meta.url);

/** Where the documents of a version are served. */
export function documentPaths(version: string): Readonly<Record<DocumentKind, string>> {
  return {
    openapi: `/openapi/${version}.json`,
    swagger: `/swagger/${version}.json`,
    page: `/docs/openapi/${version}.json`,
  };
}

/** Where the document of what ARM itself calls is served. */
const armPath = "/openapi/arm.json";

/** What there is of each version. */
export type DocumentKind = "openapi" | "swagger" | "page";

/** @throws {Error} when a document of one of these versions, or of ARM's own calls, is missing. */
export function contractFiles(versions: readonly string[]): readonly ServedFile[] {
  const arm = readFileSync(new URL("arm/openapi.json", generated));
  const ofVersions = versions.flatMap((version) => {
    const paths = documentPaths(version);
    const emitted = readFileSync(new URL(`openapi3/3.0.0/${version}.json`, generated));
    const status = version.endsWith("-preview") ? "preview" : "stable";
    const swagger = selfContained(
      new URL(`swagger/${status}/${version}/openshift.json`, generated),
    ) as SwaggerDocument;
    const openapi = JSON.parse(emitted.toString("utf8")) as OpenApiDocument;
    return [
      servedFile(paths.openapi, "json", emitted),
      servedFile(paths.swagger, "json", jsonText(swagger)),
      servedFile(
        paths.page,
        "json",
        jsonText(pageDocument({ openapi, swagger, version, links: paths })),
      ),
    ];
  });
  return [...ofVersions, servedFile(armPath, "json", arm)];
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
