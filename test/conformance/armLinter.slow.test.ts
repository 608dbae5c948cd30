/**
 * The linter that Azure runs over the contracts of resource providers finds nothing but what is meant so, and all of
 * that: a reason whose finding is gone has to go too.
 */
import { describe, expect, test } from "vitest";
import { contracts } from "./contracts.ts";
import { autorest } from "./tools.ts";

interface Finding {
  readonly level: string;
  readonly code: string;
  readonly message: string;
  readonly details?: { readonly jsonpath: readonly string[] };
}

/** Where a finding is meant so. */
interface Meant {
  readonly rule: string;
  /** A piece of the finding's place, the names on its JSON path with blanks between. */
  readonly at: string;
  readonly because: string;
}

const ofEvery: readonly Meant[] = [
  {
    rule: "PathResourceTypeNameCamelCase",
    at: "RedHat.OpenShift/OpenShiftClusters",
    because: "the resource type is called so by everyone who uses it",
  },
  {
    rule: "GetResponseCodes",
    at: "operationResults/{operationId} get",
    because: "204 is the result of a deletion, as of a synchronous one",
  },
  {
    rule: "PathForTrackedResourceTypes",
    at: "operationResults/{operationId}",
    because: "the result of a change is the cluster, which makes it no place of clusters",
  },
  {
    rule: "AllTrackedResourcesMustHaveDelete",
    at: "definitions OpenShiftCluster",
    because: "it has one; the rule looks at operationResults, which shows clusters too",
  },
  {
    rule: "TrackedResourcePatchOperation",
    at: "definitions OpenShiftCluster",
    because: "it has one; the rule looks at operationResults, which shows clusters too",
  },
  {
    rule: "ParameterNotUsingCommonTypes",
    at: "operationStatuses/{operationId} get",
    because: "ARM's own template of this operation declares the parameter in place",
  },
  {
    rule: "ParameterNotUsingCommonTypes",
    at: "operationResults/{operationId} get",
    because: "the parameter is declared as that of operationStatuses is",
  },
  {
    rule: "BodyTopLevelProperties",
    at: "definitions OperationStatus",
    because: "the status of an operation has ARM's form and is no resource",
  },
  {
    rule: "RequiredPropertiesMissingInResourceModel",
    at: "definitions OperationStatus",
    because: "the status of an operation has ARM's form and is no resource",
  },
];

const deprecated = "the deprecated way to the credentials is no list, although it ends in a plural";

const ofVersion: Readonly<Record<string, readonly Meant[]>> = {
  "2019-12-31-preview": [
    {
      rule: "PreviewVersionOverOneYear",
      at: "info version",
      because: "it is what the stable version came from, and stays for its users",
    },
    { rule: "GetCollectionOnlyHasValueAndNextLink", at: "/credentials get", because: deprecated },
    { rule: "XmsPageableForListCalls", at: "/credentials get", because: deprecated },
    {
      rule: "RequiredPropertiesMissingInResourceModel",
      at: "definitions OpenShiftClusterCredentials",
      because: "what the deprecated GET shows is taken for a resource, as every GET's answer is",
    },
  ],
  "2020-04-30": [
    {
      rule: "GuidUsage",
      at: "definitions Azure.Core.uuid format",
      because: "the client id of an application is a GUID",
    },
  ],
};

function isMeant({ code, details }: Finding, { rule, at }: Meant): boolean {
  return code === rule && details?.jsonpath.join(" ").includes(at) === true;
}

/** What both halves of the linter find. */
async function lint(path: string): Promise<readonly Finding[]> {
  const lines = await autorest(
    ["@microsoft.azure/openapi-validator"],
    [
      // without it, it wants the release of another extension that it doesn't need
      "--v3",
      "--spectral",
      "--azure-validator",
      "--openapi-type=arm",
      "--openapi-subtype=arm",
      "--message-format=json",
      `--input-file=${path}`,
    ],
  );
  return lines
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Finding)
    .filter(({ level }) => level !== "information");
}

describe.each(contracts)("$version", ({ version, path }) => {
  test("ARM's linter finds what is meant so and nothing else", async () => {
    const findings = await lint(path);
    const meant = [...ofEvery, ...(ofVersion[version] ?? [])];
    const surprises = findings.filter((finding) => !meant.some((each) => isMeant(finding, each)));
    expect(surprises).toEqual([]);
    const gone = meant.filter((each) => !findings.some((finding) => isMeant(finding, each)));
    expect(gone).toEqual([]);
  });
});
