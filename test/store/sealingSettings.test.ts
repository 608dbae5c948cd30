/** What the environment may say of the keys that secrets are sealed by. */
import { expect, test } from "vitest";
import { readSealingSettings } from "../../src/store/sealingSettings.ts";

const key = Buffer.alloc(32, 7).toString("base64");

test.each<[string, Readonly<Record<string, string>>, unknown]>([
  ["nothing", {}, undefined],
  ["blanks", { SEALING_KEY_FILE: " ", SEALING_KEY_VAULT: "" }, undefined],
  ["a file", { SEALING_KEY_FILE: " /run/keys/rp.key " }, { keyFile: "/run/keys/rp.key" }],
  [
    "a vault's name",
    { SEALING_KEY_VAULT: "My-Vault1" },
    { vaultUrl: "https://my-vault1.vault.azure.net", secretName: "openshift-rp-sealing-key" },
  ],
  [
    "its URL, and a secret",
    { SEALING_KEY_VAULT: "https://v.vault.azure.cn/", SEALING_KEY_SECRET: "mine" },
    { vaultUrl: "https://v.vault.azure.cn", secretName: "mine" },
  ],
])("%s", (_what, variables, settings) => {
  const reading = readSealingSettings(variables);
  expect(reading.faults).toEqual([]);
  expect(reading.settings).toEqual(settings);
});

test.each<[string, Readonly<Record<string, string>>, string, RegExp]>([
  ["two places", { SEALING_KEY_FILE: "f", SEALING_KEY_VAULT: "vault" }, "VAULT", /one place/],
  ["a secret without a vault", { SEALING_KEY_SECRET: "s" }, "SECRET", /of no use/],
  ["a key as a file", { SEALING_KEY_FILE: key }, "FILE", /not a key itself/],
  ["a line of a key file", { SEALING_KEY_FILE: `first ${key}` }, "FILE", /not a key itself/],
  ["a key as a vault", { SEALING_KEY_VAULT: key }, "VAULT", /name of a vault/],
  ["a vault of two letters", { SEALING_KEY_VAULT: "ab" }, "VAULT", /name of a vault/],
  ["a vault with a digit first", { SEALING_KEY_VAULT: "1vault" }, "VAULT", /name of a vault/],
  ["two hyphens", { SEALING_KEY_VAULT: "va--ult" }, "VAULT", /name of a vault/],
  ["a hyphen at the end", { SEALING_KEY_VAULT: "vault-" }, "VAULT", /name of a vault/],
  ["http", { SEALING_KEY_VAULT: "http://v.vault.azure.net" }, "VAULT", /name of a vault/],
  ["a path", { SEALING_KEY_VAULT: "https://v.net/secrets/x" }, "VAULT", /name of a vault/],
  ["a password", { SEALING_KEY_VAULT: "https://u:p@v.net" }, "VAULT", /name of a vault/],
  [
    "a secret of odd characters",
    { SEALING_KEY_VAULT: "vault", SEALING_KEY_SECRET: "a_b" },
    "SECRET",
    /name of a secret/,
  ],
])("refused: %s", (_what, variables, variable, message) => {
  const { settings, faults } = readSealingSettings(variables);
  expect(settings).toBeUndefined();
  expect(faults.map((fault) => fault.variable)).toEqual([`SEALING_KEY_${variable}`]);
  expect(faults[0]?.message).toMatch(message);
  expect(JSON.stringify(faults)).not.toContain(key.slice(0, 8));
});
