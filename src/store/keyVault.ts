/**
 * Keys in Azure Key Vault: each enabled version of one secret is a key, 32 bytes as base64, called by its version; the newest
 * seals. The only place that loads the SDK, and only when a vault was set. It must never make or change a secret: a role that
 * reads is enough. No error may hold what the vault answered.
 */
import { createSecretKey } from "node:crypto";
import type { HttpClient } from "@azure/core-rest-pipeline";
import type { SecretClient, SecretProperties } from "@azure/keyvault-secrets";
import type { KeySource } from "./keyRing.ts";
import { keyBytes, type SealingKey } from "./sealedSecrets.ts";

/** Where the keys are. */
export interface KeyVaultPlace {
  /** A URL without a path. */
  readonly vaultUrl: string;
  readonly secretName: string;
}

export interface KeyVaultOptions {
  /** Signs in; by default with Microsoft Entra, as the process is known there. */
  readonly credential?: ConstructorParameters<typeof SecretClient>[1];
  /** In place of the SDK's. */
  readonly httpClient?: HttpClient;
}

/** The vault gives no keys; the message says why, for whoever runs the program. */
export class KeyVaultError extends Error {
  override readonly name = "KeyVaultError";
  /** The service itself says that it can't serve just now: to ask again may help. */
  readonly isPassing: boolean;

  constructor(message: string, options: { readonly isPassing?: boolean } = {}) {
    super(message);
    this.isPassing = options.isPassing ?? false;
  }
}

/** What one reading of the keys may take, sign-in included. */
const loadLimitMs = 15_000;
const keyForm = /^[A-Za-z0-9+/]{43}=$/;

/** Reads the vault each time, but the value of each version only once, as it never changes. */
export async function keyVaultSource(
  place: KeyVaultPlace,
  options: KeyVaultOptions = {},
): Promise<KeySource> {
  const { vaultUrl, secretName } = place;
  const sdk = await import("@azure/keyvault-secrets");
  const client = new sdk.SecretClient(vaultUrl, options.credential ?? (await entra()), {
    retryOptions: { maxRetries: 1, retryDelayInMs: 200 },
    ...(options.httpClient === undefined ? {} : { httpClient: options.httpClient }),
  });
  const known = new Map<string, SealingKey>();
  return {
    load: async (signal) => {
      const limit = AbortSignal.timeout(loadLimitMs);
      const abortSignal = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      try {
        const versions = await enabledVersions(client, secretName, abortSignal);
        if (versions.length === 0) throw fault(place, "it has no enabled version");
        for (const version of versions) {
          if (known.has(version)) continue;
          const { value } = await client.getSecret(secretName, { version, abortSignal });
          known.set(version, keyFrom(value, version, place));
        }
        return versions.flatMap((version) => known.get(version) ?? []);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof KeyVaultError) throw error;
        if (limit.aborted) {
          throw fault(place, `no answer within ${loadLimitMs / 1_000} s`, { isPassing: true });
        }
        throw failureOf(error, place);
      }
    },
  };
}

async function entra() {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}

/** The newest first; all processes must agree which that is, also of two that were made in the same second. */
async function enabledVersions(
  client: SecretClient,
  secretName: string,
  abortSignal: AbortSignal,
): Promise<readonly string[]> {
  const versions: { readonly version: string; readonly madeAt: number }[] = [];
  for await (const properties of client.listPropertiesOfSecretVersions(secretName, {
    abortSignal,
  })) {
    const { version, enabled, createdOn }: SecretProperties = properties;
    if (version === undefined || enabled === false) continue;
    versions.push({ version, madeAt: createdOn?.getTime() ?? 0 });
  }
  return versions
    .toSorted((one, other) =>
      one.madeAt === other.madeAt ? compare(other.version, one.version) : other.madeAt - one.madeAt,
    )
    .map(({ version }) => version);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function keyFrom(value: string | undefined, version: string, place: KeyVaultPlace): SealingKey {
  const text = value?.trim() ?? "";
  const bytes = Buffer.from(text, "base64");
  if (!keyForm.test(text) || bytes.length !== keyBytes) {
    throw fault(place, `its version ${version} is not ${keyBytes} bytes in base64; disable it`);
  }
  return { id: version, key: createSecretKey(bytes) };
}

/** What to do about it, by the status of the answer. */
const hints: Readonly<Record<number, string>> = {
  401: "this identity is not known there",
  403: "the role Key Vault Secrets User is needed, and the vault's network rules must allow it; a new role takes some minutes",
  404: "it must be made first",
};

function failureOf(error: unknown, place: KeyVaultPlace): KeyVaultError {
  const { statusCode, code, name } = error as {
    readonly statusCode?: unknown;
    readonly code?: unknown;
    readonly name?: unknown;
  };
  if (typeof statusCode === "number") {
    const hint = hints[statusCode];
    const isPassing = statusCode === 429 || statusCode >= 500;
    const told = `Azure Key Vault answered with ${statusCode}`;
    return fault(place, hint === undefined ? told : `${told}; ${hint}`, { isPassing });
  }
  if (name === "CredentialUnavailableError" || name === "AggregateAuthenticationError") {
    return fault(place, "no identity of Microsoft Entra is at hand to sign in with");
  }
  if (name === "AuthenticationError") {
    return fault(place, "Microsoft Entra refuses this identity");
  }
  const remark = typeof code === "string" && /^[A-Z_]+$/.test(code) ? ` (${code})` : "";
  return fault(place, `it can't be reached${remark}; look at its name`);
}

function fault(
  { vaultUrl, secretName }: KeyVaultPlace,
  reason: string,
  options: { readonly isPassing?: boolean } = {},
): KeyVaultError {
  const what = `the secret ${secretName} of the key vault ${vaultUrl}`;
  return new KeyVaultError(`${what} cannot be used: ${reason}`, options);
}
