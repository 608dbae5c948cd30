/** What the steps of the installer on Azure are given: its settings, its ways to the outside, time and chance. */
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/ids.ts";
import type { AzureConnection } from "./azureConnection.ts";
import type { AzureInstallerSettings } from "./azureInstallerSettings.ts";

/** Of the installer, whatever the cluster. */
export type AzureSettings = Pick<AzureInstallerSettings, "dnsZone" | "installProgram">;

/**
 * Seals what is too large for a document, by the keys that seal documents. What was sealed opens only for the same binding.
 * Errors never hold a piece of it.
 */
export interface StateSealing {
  seal(plain: Uint8Array, binding: string, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * @throws {StateKeyUnknownError} when this process doesn't have the key.
   * @throws when it was changed, or sealed for another binding.
   */
  open(sealed: Uint8Array, binding: string, signal?: AbortSignal): Promise<Uint8Array>;
}

/** The key by which something was sealed is not there any more, or not yet. */
export class StateKeyUnknownError extends Error {
  override readonly name = "StateKeyUnknownError";
  /** As what was sealed says, which its cluster's user may have written. */
  readonly keyId: string;

  constructor(keyId: string, options: { readonly cause?: unknown } = {}) {
    super("what is sealed outside of the documents needs a key that is not there", options);
    this.keyId = keyId;
  }
}

export interface AzureEffects {
  readonly settings: AzureSettings;
  readonly azure: AzureConnection;
  readonly sealing: StateSealing;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a step waits until it asks again for what takes minutes in Azure. */
  readonly pollMs: number;
}
