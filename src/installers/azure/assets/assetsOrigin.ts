/**
 * What the assets of a cluster were made from and when, kept with them: a create that is begun anew may ask for others. Digests of secrets
 * must never be kept elsewhere than sealed, where nobody can try guesses. Pure.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { EpochMs } from "../../../model/document.ts";
import type { InstallationSnapshot } from "../../installer.ts";
import { noted } from "../azureNotes.ts";

/**
 * Only of what a request can change and no later step sets in time: the rest is fixed when the cluster is PUT for the first time, and
 * the number of workers is set in the cluster itself.
 */
export interface AssetsOrigin {
  /** Certificates in the assets are valid for 24 hours from then on, or a little later. */
  readonly madeAt: EpochMs;
  /** Digest. */
  readonly pullSecret: string;
  /** Digest. */
  readonly servicePrincipal: string;
}

/** Not a file of the program's: kept with the rest. */
export const originPath = "made-from.json";

export const originForm = z.object({
  madeAt: z.number().int(),
  pullSecret: z.string(),
  servicePrincipal: z.string(),
});

/** @param madeAt before the program ran. */
export function originOf(snapshot: InstallationSnapshot, madeAt: EpochMs): AssetsOrigin {
  const { cluster, secrets } = snapshot;
  return {
    madeAt,
    pullSecret: digestOf([secrets.pullSecret]),
    servicePrincipal: digestOf([
      noted(snapshot, "tenantId"),
      cluster.clientId,
      secrets.clientSecret,
    ]),
  };
}

/** What the goal has another one of, as a user calls it. */
export function changedCredentials(
  origin: AssetsOrigin,
  snapshot: InstallationSnapshot,
): readonly string[] {
  const goal = originOf(snapshot, origin.madeAt);
  return [
    ...(goal.pullSecret === origin.pullSecret ? [] : ["pull secret"]),
    ...(goal.servicePrincipal === origin.servicePrincipal ? [] : ["service principal"]),
  ];
}

function digestOf(parts: readonly (string | undefined)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
