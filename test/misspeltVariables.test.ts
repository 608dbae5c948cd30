/** Misspelt names of settings are found; other programs' variables are left alone. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeSettings, readMisspelt } from "../src/config.ts";
import { misspeltVariables } from "../src/misspeltVariables.ts";

const settings = describeSettings().map(({ variable }) => variable);

test.each<[string, string | undefined]>([
  ["COSMOSDB_ACOUNT", "COSMOSDB_ACCOUNT"],
  ["COSMOSBD_ACCOUNT", "COSMOSDB_ACCOUNT"],
  ["COSMOS_DB_KEY", "COSMOSDB_KEY"],
  ["COSMOSDB_ENDPOINT_URL", "COSMOSDB_ENDPOINT"],
  ["COSMOSDB_DATABASE_NAME", undefined],
  ["STORAGE_ACCOUT", "STORAGE_ACCOUNT"],
  ["STORAGE_ACCOUNT_NAME", "STORAGE_ACCOUNT"],
  ["STORAGE_QUEUE_NAME", undefined],
  ["HEARTBEAT_SECS", "HEARTBEAT_SECONDS"],
  ["log_level", "LOG_LEVEL"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["ROLE", "ROLES"],
  ["Port", "PORT"],
  ["PROT", "PORT"],
  ["OPRT", "PORT"],
  ["HSOT", "HOST"],
  ["ATUH", "AUTH"],
])("%s is told, with what was meant", (variable, meant) => {
  expect(misspeltVariables([variable], settings)).toEqual([
    meant === undefined ? { variable } : { variable, meant },
  ]);
});

const foreign = `
  SHELL TMP TEMP TMPDIR EDITOR VISUAL PAGER MAIL DISPLAY COLUMNS LINES OLDPWD TZ CI PS1 IFS UID HOSTS PORTS OAUTH
  PATH HOME HOSTNAME HOSTTYPE LANG PWD SHLVL TERM USER LOGNAME NODE_OPTIONS NODE_ENV NODE_EXTRA_CA_CERTS
  SSL_CERT_FILE SSL_CERT_DIR SSL_KEY_FILE SSLKEYLOGFILE npm_config_cache npm_package_name HTTPS_PROXY no_proxy POST STORAGE_DRIVER
  AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_TENANT_ID AZURE_FEDERATED_TOKEN_FILE AZURE_SUBSCRIPTION AZURE_SUBSCRIPTION_ID
  OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE OPENSHIFT_INSTALL_STANDIN_URL
  KUBERNETES_SERVICE_HOST KUBERNETES_PORT FRONTEND_PORT FRONTEND_CLIENT_ID GROUP TAG IMAGE
  OTEL_EXPORTER_OTLP_ENDPOINT OTEL_LOG_LEVEL TEST_COSMOSDB_ENDPOINT TEST_STORAGE_KEY`;

test.each(foreign.trim().split(/\s+/))("%s is somebody else's", (variable) => {
  expect(misspeltVariables([variable], settings)).toEqual([]);
});

test("of a short name only two neighbours swapped are found: a letter more or less makes another word", () => {
  const short = settings.filter((name) => name.length <= 4);
  expect(short).toContain("PORT");
  for (const setting of short) {
    for (let index = 0; index < setting.length - 1; index += 1) {
      const [one, other] = [setting[index], setting[index + 1]];
      if (one === other) continue;
      const swapped = `${setting.slice(0, index)}${other}${one}${setting.slice(index + 2)}`;
      const found = misspeltVariables([swapped], settings);
      expect(found).toEqual([{ variable: swapped, meant: setting }]);
      const others = [`${setting.slice(0, index)}${setting.slice(index + 1)}`, `X${setting}`];
      expect(misspeltVariables(others, settings)).toEqual([]);
    }
  }
});

test("no setting is taken for another one misspelt", () => {
  expect(misspeltVariables(settings, settings)).toEqual([]);
});

test("a letter too few, too many, wrong or swapped is found in every name that isn't short", () => {
  // of OpenTelemetry's names only some are settings
  const own = settings.filter((name) => name.length > 4 && !name.startsWith("OTEL_"));
  const edit = fc.record({
    setting: fc.constantFrom(...own),
    place: fc.nat(),
    letter: fc.constantFrom("A", "S", "X", "_", "0"),
    kind: fc.constantFrom("drop", "add", "replace", "swap"),
  });
  fc.assert(
    fc.property(edit, ({ setting, place, letter, kind }) => {
      const index = place % (setting.length - 1);
      const [before, one, other] = [setting.slice(0, index), setting[index], setting[index + 1]];
      const variable = {
        drop: `${before}${setting.slice(index + 1)}`,
        add: `${before}${letter}${setting.slice(index)}`,
        replace: `${before}${letter}${setting.slice(index + 1)}`,
        swap: `${before}${other}${one}${setting.slice(index + 2)}`,
      }[kind];
      fc.pre(!settings.includes(variable));
      const [found] = misspeltVariables([variable], settings);
      expect(found?.variable).toBe(variable);
      expect(settings).toContain(found?.meant);
    }),
  );
});

test("of the environment only names that have a value are looked at, and no value is shown", () => {
  const environment = { COSMOSDB_ACOUNT: "something", STORAGE_ACCOUT: " ", PORT: "1" };
  const found = readMisspelt(environment);
  expect(found).toEqual([{ variable: "COSMOSDB_ACOUNT", meant: "COSMOSDB_ACCOUNT" }]);
});
