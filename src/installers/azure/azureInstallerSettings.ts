/**
 * The settings of the installer on Azure: checks what the environment says of the zone, the program and the endpoints, and whether
 * it all goes together. It must never read the environment itself, nor show the value of a URL: people put keys into them.
 */
import {
  givenValue,
  serviceUrl,
  type SettingFault,
  type Variables,
} from "../../accountSettings.ts";
import { domainLengthMax, isDomainName, shown } from "../../settingForms.ts";

/** What the installer on Azure works with. */
export interface AzureInstallerSettings {
  /** The public DNS zone below which clusters get their domains; it belongs to the resource provider. */
  readonly dnsZone: DnsZoneId;
  /** Path of the program `openshift-install`. */
  readonly installProgram: string;
  readonly endpoints: {
    /** Of ARM, without a slash at its end. */
    readonly resourceManager: string;
    /** Of Microsoft Entra, the same way. */
    readonly authorityHost: string;
  };
  /** How long a step waits until it asks again for what takes minutes in Azure. */
  readonly pollMs: number;
}

export interface DnsZoneId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** Also the parent domain; lower case. */
  readonly name: string;
}

/** Of the public cloud. */
export const publicEndpoints = {
  resourceManager: "https://management.azure.com",
  authorityHost: "https://login.microsoftonline.com",
} as const;

/** How an id of a zone is written, for faults and the documentation. */
export const dnsZoneForm =
  "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/dnsZones/DOMAIN";

const guidForm = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const zoneForm = new RegExp(
  `^/subscriptions/(${guidForm})/resourceGroups/([\\p{L}\\p{N}_().-]{1,90})` +
    "/providers/Microsoft\\.Network/dnsZones/([^/]+)$",
  "iu",
);

/** The ids of Azure don't mind their case. */
export function readDnsZoneId(text: string): DnsZoneId | undefined {
  const [, subscriptionId, resourceGroup, name] = zoneForm.exec(text) ?? [];
  if (subscriptionId === undefined || resourceGroup === undefined || name === undefined) {
    return undefined;
  }
  // an id with a group that ends so is none of Azure's
  if (resourceGroup.endsWith(".") || !isDomainName(name)) return undefined;
  return { subscriptionId: subscriptionId.toLowerCase(), resourceGroup, name: name.toLowerCase() };
}

/** As Azure writes it. */
export function dnsZoneId({ subscriptionId, resourceGroup, name }: DnsZoneId): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/dnsZones/${name}`;
}

/** The origin of an endpoint that tokens may be sent to; they are sent over TLS alone. */
export function readEndpoint(text: string): string | undefined {
  const url = serviceUrl(text);
  return url?.protocol === "https:" && url.pathname === "/" ? url.origin : undefined;
}

/** Of no use to the installer on Azure. */
const ofLocal = ["LOCAL_INSTALL_SECONDS", "LOCAL_FAILING_STEP"] as const;
/** Of no use to any other. */
const ofAzure = ["AZURE_DNS_ZONE_ID", "OPENSHIFT_INSTALL"] as const;

/** One thing that is wrong with settings of installers that go together. */
export type InstallerSettingsFault = SettingFault<
  "DOMAIN" | "INSTALLER" | (typeof ofLocal)[number] | (typeof ofAzure)[number]
>;

/**
 * What doesn't go together, in the order of the documentation. Endpoints may be set whatever the installer: platforms set that of
 * Entra for every program.
 *
 * @param variables what was given; `INSTALLER` is right by itself.
 */
export function installerFaults(variables: Variables): readonly InstallerSettingsFault[] {
  const given = (name: string): boolean => givenValue(variables, name) !== undefined;
  const installer = givenValue(variables, "INSTALLER");
  if (installer !== "azure") {
    const instead = installer === undefined ? "which is not set" : `which is set to ${installer}`;
    return ofAzure.filter(given).map((variable) => ({
      variable,
      message: `is of no use without INSTALLER=azure, ${instead}`,
    }));
  }
  const faults: InstallerSettingsFault[] = ofLocal.filter(given).map((variable) => ({
    variable,
    message: "is of no use with INSTALLER=azure: it is about the local installer",
  }));
  for (const variable of ofAzure) {
    if (!given(variable)) {
      faults.push({
        variable,
        message: `must be set with INSTALLER=azure: ${meanings[variable]}`,
      });
    }
  }
  const zone = readDnsZoneId(givenValue(variables, "AZURE_DNS_ZONE_ID") ?? "");
  const domain = givenValue(variables, "DOMAIN");
  if (zone === undefined || domain === undefined || domain.toLowerCase() === zone.name) {
    return faults;
  }
  return [
    {
      variable: "DOMAIN",
      message: "must be the name of the zone of AZURE_DNS_ZONE_ID, or not be set",
    },
    ...faults,
  ];
}

/** Which part of what is no id of a zone is the first that is wrong. */
export function dnsZoneFault(text: string): string {
  const given = text.split("/");
  const wanted = dnsZoneForm.split("/");
  for (const [index, part] of wanted.entries()) {
    const found = given[index];
    if (found === undefined) return `it ends before /${wanted.slice(index).join("/")}`;
    if (isPart[part]?.(found) ?? found.toLowerCase() === part.toLowerCase()) continue;
    return part === ""
      ? `it begins with ${shown(found)}, not with a slash`
      : `${shown(found)} stands where ${part} should`;
  }
  return `it goes on after ${wanted.at(-1)}`;
}

/** Of the form; all others stand for themselves. */
const isPart: Readonly<Record<string, ((text: string) => boolean) | undefined>> = {
  ID: (text) => new RegExp(`^${guidForm}$`, "i").test(text),
  GROUP: (text) => /^[\p{L}\p{N}_().-]{1,90}$/u.test(text) && !text.endsWith("."),
  DOMAIN: isDomainName,
};

const meanings: Readonly<Record<(typeof ofAzure)[number], string>> = {
  AZURE_DNS_ZONE_ID: `the id of the zone below which clusters get their domains, ${dnsZoneForm}`,
  OPENSHIFT_INSTALL: "the path of the program openshift-install",
};

/** In a fault of the form. */
export const dnsZoneExpectation = `must be the id of a public DNS zone, ${dnsZoneForm}, whose name has at most ${domainLengthMax} characters`;
