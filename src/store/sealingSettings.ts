/**
 * The settings of the keys that secrets are sealed by: checks what the environment says of where they are. It must never read the
 * environment itself, nor show the value of a setting: people paste keys into the wrong variable.
 */

/** A file, or the versions of one secret in Azure Key Vault. */
export type SealingSettings =
  | { readonly keyFile: string }
  | {
      /** A URL without a path. */
      readonly vaultUrl: string;
      readonly secretName: string;
    };

/** One thing that is wrong with a setting. */
export interface SealingSettingsFault {
  readonly variable: "SEALING_KEY_FILE" | "SEALING_KEY_VAULT" | "SEALING_KEY_SECRET";
  readonly message: string;
}

/** The settings if they are there and right; neither settings nor faults when no place is given. */
export interface SealingSettingsReading {
  readonly settings?: SealingSettings;
  readonly faults: readonly SealingSettingsFault[];
}

/** The secret's name in the vault when none is given. */
export const defaultSecretName = "openshift-rp-sealing-key";

/** Microsoft.KeyVault/vaults: 3 to 24 characters. */
const vaultForm = /^[a-z](?:-?[a-z0-9]){2,23}$/i;
/** 32 bytes as base64, alone or behind a name. */
const keyAtEnd = /(?:^|[ \t:=])[A-Za-z0-9+/]{43}=$/;
const secretForm = /^[a-z0-9-]{1,127}$/i;

/** @param variables blanks around a value don't matter; an empty one counts as absent. */
export function readSealingSettings(
  variables: Readonly<Record<string, string | undefined>>,
): SealingSettingsReading {
  const given = (name: SealingSettingsFault["variable"]): string | undefined => {
    const text = variables[name]?.trim() ?? "";
    return text === "" ? undefined : text;
  };
  const keyFile = given("SEALING_KEY_FILE");
  const vault = given("SEALING_KEY_VAULT");
  const secret = given("SEALING_KEY_SECRET");
  const faults: SealingSettingsFault[] = [];
  if (keyFile !== undefined && (keyFile.includes("\0") || keyAtEnd.test(keyFile))) {
    faults.push({
      variable: "SEALING_KEY_FILE",
      message: "must be the path of a file, not a key itself",
    });
  }
  const vaultUrl = vault === undefined ? undefined : urlOf(vault);
  if (vault !== undefined && vaultUrl === undefined) {
    faults.push({
      variable: "SEALING_KEY_VAULT",
      message:
        "must be the name of a vault (3 to 24 letters, digits and hyphens), or its URL such as " +
        "https://VAULT.vault.azure.net, without path, query, name and password",
    });
  }
  if (secret !== undefined && vault === undefined) {
    faults.push({
      variable: "SEALING_KEY_SECRET",
      message: "is of no use without SEALING_KEY_VAULT, in which it lies",
    });
  }
  if (secret !== undefined && !secretForm.test(secret)) {
    faults.push({
      variable: "SEALING_KEY_SECRET",
      message: "must be the name of a secret: at most 127 letters, digits and hyphens",
    });
  }
  if (faults.length === 0 && keyFile !== undefined && vault !== undefined) {
    faults.push({
      variable: "SEALING_KEY_VAULT",
      message: "can't be given together with SEALING_KEY_FILE: keys come from one place",
    });
  }
  if (faults.length > 0) return { faults };
  if (keyFile !== undefined) return { settings: { keyFile }, faults };
  if (vaultUrl === undefined) return { faults };
  return { settings: { vaultUrl, secretName: secret ?? defaultSecretName }, faults };
}

/** Always https: nobody signs in without. */
function urlOf(vault: string): string | undefined {
  if (vaultForm.test(vault)) return `https://${vault.toLowerCase()}.vault.azure.net`;
  const url = URL.parse(vault);
  const isPlain =
    url?.protocol === "https:" &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "" &&
    url.pathname === "/";
  return isPlain ? url.origin : undefined;
}
