/**
 * The stand-in for openshift-install, bound to one stand-in for Azure: whoever runs it hands down no variables of its own, so that
 * they stand in the program. What it makes is a cluster whose API the stand-in serves.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LocalAzure } from "./localAzure.ts";

const program = fileURLToPath(new URL("openshift-install", import.meta.url));

/**
 * @param folder where it is written, beside the authority that the stand-in answers by.
 * @returns the paths of both.
 */
export function boundInstallProgram(
  azure: LocalAzure,
  folder: string,
): { readonly installProgram: string; readonly authorityFile: string } {
  const authorityFile = join(folder, "authority.pem");
  writeFileSync(authorityFile, azure.caCertificatePem);
  const installProgram = join(folder, "openshift-install");
  const lines = [
    "#!/bin/sh",
    "# Stands in for openshift-install; the clusters it describes are the stand-in's.",
    `export OPENSHIFT_INSTALL_STANDIN_URL=${quoted(azure.url)}`,
    `export OPENSHIFT_INSTALL_STANDIN_CA=${quoted(authorityFile)}`,
    `exec ${quoted(program)} "$@"`,
  ];
  writeFileSync(installProgram, `${lines.join("\n")}\n`);
  chmodSync(installProgram, 0o755);
  return { installProgram, authorityFile };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
