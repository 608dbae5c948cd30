/**
 * Where the program that stands in for openshift-install lies, and one that describes the clusters of a certain stand-in.
 * The latter must work when its caller hands down none of its own environment.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeExecutable } from "../process/executableFile.ts";

/** The program for clusters that are to be found at their own domain, which nobody answers. */
export const installProgram = fileURLToPath(new URL("openshift-install", import.meta.url));

/**
 * Writes one into a folder, for clusters of one stand-in.
 *
 * @param options.url of the stand-in, without a slash at its end.
 * @param options.authorityFile PEM of the authority that answers there.
 * @param options.version that it shows; the program's own unless given.
 * @param options.configsBegun a file that it makes when it is about to make ignition configs.
 * @param options.configsHeld a file; as long as it is there, the program then goes no further.
 * @returns its path.
 */
export function writeInstallProgram(
  folder: string,
  options: {
    readonly url: string;
    readonly authorityFile: string;
    readonly version?: string;
    readonly configsBegun?: string;
    readonly configsHeld?: string;
  },
): string {
  const { url, authorityFile, version, configsBegun, configsHeld } = options;
  const file = join(folder, "openshift-install");
  const settings = [
    `OPENSHIFT_INSTALL_STANDIN_URL=${quoted(url)}`,
    `OPENSHIFT_INSTALL_STANDIN_CA=${quoted(authorityFile)}`,
    ...(version === undefined ? [] : [`OPENSHIFT_INSTALL_STANDIN_VERSION=${quoted(version)}`]),
  ];
  writeExecutable(
    file,
    [
      "#!/bin/sh",
      ...settings.map((each) => `export ${each}`),
      ...(configsBegun === undefined ? [] : [atConfigs(`: > ${quoted(configsBegun)}`)]),
      ...(configsHeld === undefined
        ? []
        : [atConfigs(`while [ -e ${quoted(configsHeld)} ]; do sleep 0.05; done`)]),
      `exec ${quoted(installProgram)} "$@"`,
      "",
    ].join("\n"),
  );
  return file;
}

/** A command for when it is about to make ignition configs. */
function atConfigs(command: string): string {
  return `case "$*" in *ignition-configs*) ${command} ;; esac`;
}

/** A word of the shell, whatever it holds. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
