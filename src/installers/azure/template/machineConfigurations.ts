/**
 * What the machines are started with: the parameters of the template that holds them. All of it is secret, so it must never get into
 * the template itself. Pure.
 */
import type { DeploymentParameters } from "./azureTemplate.ts";

/** Names of the parameters. */
export const configurationParameters = {
  bootstrap: "bootstrapIgnition",
  controlPlane: "masterIgnition",
} as const;

/** What the machines are started with. */
export interface MachineConfigurations {
  /** Where the bootstrap machine reads its configuration, with a SAS. */
  readonly bootstrapIgnitionUrl: string;
  /** The file `master.ign` as `openshift-install` has made it. */
  readonly masterIgnition: string;
}

/**
 * Values of the template's parameters, which are secrets. They must be the same each time: Azure refuses to change them for a
 * machine that exists.
 *
 * @throws {TypeError} when the control plane's configuration is none.
 */
export function resourcesParameters(configurations: MachineConfigurations): DeploymentParameters {
  const { bootstrapIgnitionUrl, masterIgnition } = configurations;
  const base64 = (text: string) => ({ value: Buffer.from(text).toString("base64") });
  return {
    [configurationParameters.bootstrap]: base64(
      pointerIgnition(bootstrapIgnitionUrl, ignitionVersion(masterIgnition)),
    ),
    [configurationParameters.controlPlane]: base64(masterIgnition),
  };
}

/**
 * A configuration that says no more than where the whole one is: Azure hands at most 64 KiB to a machine. In the version of
 * Ignition that the control plane's configuration has, as the machines' system knows only some.
 */
function pointerIgnition(source: string, version: string): string {
  return JSON.stringify({ ignition: { version, config: { replace: { source } } } });
}

/** @throws {TypeError} without a piece of the configuration, which is a secret. */
function ignitionVersion(configuration: string): string {
  const version = versionIn(configuration);
  if (typeof version !== "string") {
    throw new TypeError("the control plane's configuration names no version of Ignition");
  }
  return version;
}

function versionIn(configuration: string): unknown {
  try {
    const { ignition } = JSON.parse(configuration) as { ignition?: { version?: unknown } };
    return ignition?.version;
  } catch {
    // the parser's own error would quote it
    return undefined;
  }
}
