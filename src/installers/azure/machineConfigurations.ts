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

/** Values of the template's parameters, which are secrets. They must be the same each time: Azure refuses to change them. */
export function resourcesParameters(configurations: MachineConfigurations): DeploymentParameters {
  const { bootstrapIgnitionUrl, masterIgnition } = configurations;
  const base64 = (text: string) => ({ value: Buffer.from(text).toString("base64") });
  return {
    [configurationParameters.bootstrap]: base64(
      pointerIgnition(bootstrapIgnitionUrl, masterIgnition),
    ),
    [configurationParameters.controlPlane]: base64(masterIgnition),
  };
}

/**
 * A configuration that says no more than where the whole one is: Azure hands at most 64 KiB to a machine. In the form of
 * Ignition that the other configurations have, as the machines' system knows only some.
 *
 * @throws {SyntaxError} when the other configuration isn't JSON.
 */
function pointerIgnition(source: string, sibling: string): string {
  const { ignition } = JSON.parse(sibling) as { ignition: { version: string } };
  return JSON.stringify({
    ignition: { version: ignition.version, config: { replace: { source } } },
  });
}
