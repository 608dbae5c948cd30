/** The settings: defaults, forms, every fault at once, and that the documentation is what the schema says. */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConfigError,
  describeSettings,
  environmentExample,
  readConfig,
  settingsTable,
  type ConfigFault,
  type Environment,
} from "../src/config.ts";
import { localStepNames } from "../src/installers/local/localInstallerSettings.ts";

const variables = describeSettings().map(({ variable }) => variable);

function faultsOf(environment: Environment): readonly ConfigFault[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

function faulty(environment: Environment): readonly string[] {
  return faultsOf(environment).map(({ variable }) => variable);
}

describe("readConfig", () => {
  it("has a default for everything", () => {
    expect(readConfig({})).toEqual({
      host: "127.0.0.1",
      port: 8080,
      adminHost: "127.0.0.1",
      auth: { kind: "none" },
      adminAuth: { kind: "none" },
      roles: ["frontend", "forwarder", "backend"],
      location: "eastus",
      dataDir: "./data",
      domain: "openshift.test",
      installer: "local",
      localInstallMs: 10_000,
      workers: 100,
      unannouncedSubscriptions: "Registered",
      heartbeatMs: 2_000,
      leaseMs: 6_000,
      visibilityMs: 8_000,
      retryAfterSeconds: 1,
      operationsLimit: 10_000,
      limits: {
        connection: {
          connections: 2000,
          headersTimeoutMs: 15_000,
          requestTimeoutMs: 30_000,
          keepAliveMs: 75_000,
          sendTimeoutMs: 60_000,
          headerBytes: 32_768,
        },
        request: {
          uriBytes: 16_384,
          headers: 200,
          deadlineMs: 30_000,
          requests: 500,
          subscriptionRequests: 250,
        },
        body: {
          bytes: 1_048_576,
          totalBytes: 67_108_864,
          depth: 64,
          items: 1000,
          values: 10_000,
        },
      },
      shutdownMs: 9_000,
      logLevel: "info",
    });
  });

  it("takes every setting from its variable", () => {
    expect(
      readConfig({
        HOST: "::1",
        PORT: "0",
        ADMIN_HOST: "localhost",
        ADMIN_PORT: "9090",
        ROLES: "backend, frontend",
        LOCATION: "West Europe",
        DATA_DIR: "/var/lib/rp",
        DOMAIN: "Clusters.Example.COM",
        INSTALLER: "local",
        LOCAL_INSTALL_SECONDS: "0.25",
        WORKERS: "1",
        UNANNOUNCED_SUBSCRIPTIONS: "unregistered",
        HEARTBEAT_SECONDS: "0.1",
        LEASE_SECONDS: "0.5",
        VISIBILITY_SECONDS: "0.75",
        RETRY_AFTER_SECONDS: "0",
        BODY_LIMIT_BYTES: "2048",
        OPERATIONS_LIMIT: "0",
        BODIES_LIMIT_BYTES: "4096",
        BODY_DEPTH_LIMIT: "16",
        BODY_ITEMS_LIMIT: "800",
        BODY_VALUES_LIMIT: "1000",
        URI_LIMIT_BYTES: "8000",
        HEADERS_LIMIT: "50",
        HEADERS_LIMIT_BYTES: "16384",
        HEADERS_TIMEOUT_SECONDS: "0.1",
        REQUEST_TIMEOUT_SECONDS: "0.2",
        REQUEST_DEADLINE_SECONDS: "0.3",
        SEND_TIMEOUT_SECONDS: "0.4",
        KEEP_ALIVE_SECONDS: "0.5",
        CONNECTIONS_LIMIT: "3",
        REQUESTS_LIMIT: "2",
        SUBSCRIPTION_REQUESTS_LIMIT: "1",
        SHUTDOWN_SECONDS: "0",
        LOG_LEVEL: "silent",
      }),
    ).toEqual({
      host: "::1",
      port: 0,
      adminHost: "localhost",
      adminPort: 9090,
      auth: { kind: "none" },
      adminAuth: { kind: "none" },
      roles: ["frontend", "backend"],
      location: "westeurope",
      dataDir: "/var/lib/rp",
      domain: "clusters.example.com",
      installer: "local",
      localInstallMs: 250,
      workers: 1,
      unannouncedSubscriptions: "Unregistered",
      heartbeatMs: 100,
      leaseMs: 500,
      visibilityMs: 750,
      retryAfterSeconds: 0,
      operationsLimit: 0,
      limits: {
        connection: {
          connections: 3,
          headersTimeoutMs: 100,
          requestTimeoutMs: 200,
          keepAliveMs: 500,
          sendTimeoutMs: 400,
          headerBytes: 16_384,
        },
        request: {
          uriBytes: 8000,
          headers: 50,
          deadlineMs: 300,
          requests: 2,
          subscriptionRequests: 1,
        },
        body: { bytes: 2048, totalBytes: 4096, depth: 16, items: 800, values: 1000 },
      },
      shutdownMs: 0,
      logLevel: "silent",
    });
  });

  it("reads the environment of the process unless given another", () => {
    expect(() => readConfig()).not.toThrow(TypeError);
  });

  it("counts an empty variable, or one of blanks, as absent", () => {
    for (const blank of ["", " ", "\t\r\n"]) {
      expect(readConfig(Object.fromEntries(variables.map((name) => [name, blank])))).toEqual(
        readConfig({}),
      );
    }
  });

  it("ignores blanks around a value, as an edited file leaves them", () => {
    expect(readConfig({ PORT: " 8081\r", LOG_LEVEL: "debug ", DATA_DIR: "\tmy data " })).toEqual({
      ...readConfig({}),
      port: 8081,
      logLevel: "debug",
      dataDir: "my data",
    });
  });

  it("takes no variable of another name", () => {
    expect(readConfig({ port: "1", WORKER: "1", __proto__: "x" })).toEqual(readConfig({}));
  });

  it("gives a result that nobody can change", () => {
    const config = readConfig({});
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.roles)).toBe(true);
  });

  it.each([
    [
      "HOST",
      ["0.0.0.0", "::", "10.0.0.1", "example.com", "127.0.0.1.example.com", "127.1", "8080"],
    ],
    ["PORT", ["-1", "65536", "80.5", "1e3", "0x50", "eighty", "٨٠", "1 2"]],
    ["ADMIN_HOST", ["0.0.0.0", "example.com"]],
    ["ADMIN_PORT", ["-1", "65536", "none"]],
    ["AUTH", ["None", "tls", "client-certificate,arm"]],
    ["ADMIN_AUTH", ["arm", "no"]],
    ["TLS_CERT_FILE", ["a\nb"]],
    ["CLIENT_SUBJECT", ["caller", "=x", "CN=", "subject=CN=caller"]],
    ["ARM_METADATA_URL", ["http://arm.example"]],
    ["ROLES", ["web", "frontend,", ",", "frontend,frontend", "Frontend", "frontend backend"]],
    ["LOCATION", ["east-us", "east_us", "é", "a".repeat(61)]],
    ["DATA_DIR", ["a\0b"]],
    [
      "DOMAIN",
      ["-a.test", "a-.test", "a..test", ".test", "test.", "a_b.test", "10.0.0.1", "a.0x1"],
    ],
    ["DOMAIN", ["a".repeat(64), `${"a.".repeat(79)}a`, "https://a.test", "a.test:80", "ä.test"]],
    ["INSTALLER", ["aws", "Local", "Azure"]],
    ["AZURE_DNS_ZONE_ID", ["example.com"]],
    ["OPENSHIFT_INSTALL", ["a\nb"]],
    ["LOCAL_INSTALL_SECONDS", ["-1", "86401", "0.0001", ".5", "10s", "Infinity", "NaN"]],
    ["WORKERS", ["0", "1001", "1.5"]],
    ["HEARTBEAT_SECONDS", ["0", "0.049", "3601"]],
    ["LEASE_SECONDS", ["0", "0.099", "3601"]],
    ["VISIBILITY_SECONDS", ["0", "0.199", "3601"]],
    ["RETRY_AFTER_SECONDS", ["-1", "0.5", "3601"]],
    ["BODY_LIMIT_BYTES", ["1023", "4194305", "1MiB"]],
    ["OPERATIONS_LIMIT", ["-1", "10001", "none", "1.5"]],
    ["BODIES_LIMIT_BYTES", ["1023", "64MiB"]],
    ["BODY_DEPTH_LIMIT", ["15", "65"]],
    ["BODY_ITEMS_LIMIT", ["799", "1000001"]],
    ["BODY_VALUES_LIMIT", ["999", "1000001"]],
    ["URI_LIMIT_BYTES", ["7999", "65537"]],
    ["HEADERS_LIMIT", ["49", "1001"]],
    ["HEADERS_LIMIT_BYTES", ["16383", "262145"]],
    ["HEADERS_TIMEOUT_SECONDS", ["0", "0.09", "301"]],
    ["REQUEST_TIMEOUT_SECONDS", ["0", "0.09", "301"]],
    // whoever removes a deleted subscription's clusters waits no longer
    ["REQUEST_DEADLINE_SECONDS", ["0", "30.001"]],
    ["SEND_TIMEOUT_SECONDS", ["0", "301"]],
    ["KEEP_ALIVE_SECONDS", ["0", "3601"]],
    ["CONNECTIONS_LIMIT", ["0", "100001"]],
    ["REQUESTS_LIMIT", ["0", "100001"]],
    ["SUBSCRIPTION_REQUESTS_LIMIT", ["0", "100001"]],
    ["SHUTDOWN_SECONDS", ["-1", "3601", "ten"]],
    ["LOG_LEVEL", ["trace", "INFO", "fatal"]],
  ])("refuses %s of %j by name, showing the value", (variable, values) => {
    for (const value of values) {
      const faults = faultsOf({ [variable]: value });
      expect(faults.map((fault) => fault.variable)).toEqual([variable]);
      const { message } = faults[0] ?? { message: "" };
      expect(message).toContain(
        value.length > 24 ? `a text of ${value.length} characters` : JSON.stringify(value),
      );
      expect(message.length).toBeLessThan(250);
      expect(message.split("\n")).toHaveLength(1);
    }
  });

  it.each(["Copy Image", "1", "CopyImages", "copyimage", "toString"])(
    "refuses the failing step %j, which is none, and lists those that there are",
    (value) => {
      expect(faultsOf({ LOCAL_FAILING_STEP: value })).toEqual([
        {
          variable: "LOCAL_FAILING_STEP",
          message: `must be a step of the local installer, one of ${localStepNames.join(", ")}, not ${JSON.stringify(value)}`,
        },
      ]);
    },
  );

  it.each([
    ["LOCAL_FAILING_STEP", localStepNames],
    ["HOST", ["127.0.0.2", "localhost"]],
    ["PORT", ["1", "65535", "08080"]],
    ["LOCATION", ["East US", "westeurope2"]],
    ["DOMAIN", ["test", "1.a", "a-b.c", "a--b.test", "xn--bcher-kva.example"]],
    ["LOCAL_INSTALL_SECONDS", ["0", "0.001", "86400", "1.500"]],
  ])("takes %s of %j", (variable, values) => {
    for (const value of values) expect(faultsOf({ [variable]: value })).toEqual([]);
  });

  it("tells every fault at once, in the order of the documentation", () => {
    // an account's endpoint takes the place of its name
    const given = variables.filter((name) => !name.endsWith("_ACCOUNT"));
    const environment = Object.fromEntries(given.map((name) => [name, "\0?"]));
    expect(faulty(environment)).toEqual(given);
    expect(() => readConfig(environment)).toThrow(
      new RegExp(given.map((name) => `${name} must`).join(".*\n")),
    );
  });

  it("shows nothing of a key or a connection string in the wrong variable", () => {
    const key = Buffer.alloc(64, "secret").toString("base64");
    const pasted = [
      key,
      `AccountEndpoint=https://a.documents.azure.com:443/;AccountKey=${key};`,
      `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${key}`,
      `https://a.queue.core.windows.net/?sv=2024-01-01&sig=${key}`,
    ];
    for (const variable of variables) {
      for (const value of pasted) {
        const shown = JSON.stringify(faultsOf({ [variable]: value }));
        expect(shown).not.toContain(key.slice(0, 10));
      }
    }
    for (const value of pasted.slice(1)) expect(faulty({ DATA_DIR: value })).toEqual(["DATA_DIR"]);
  });

  it("wants heartbeat < lease < visibility, and tells both breaches", () => {
    expect(faulty({ HEARTBEAT_SECONDS: "6" })).toEqual(["HEARTBEAT_SECONDS"]);
    expect(faulty({ LEASE_SECONDS: "8" })).toEqual(["LEASE_SECONDS"]);
    expect(faulty({ VISIBILITY_SECONDS: "6" })).toEqual(["LEASE_SECONDS"]);
    expect(faulty({ HEARTBEAT_SECONDS: "9", LEASE_SECONDS: "9" })).toEqual([
      "HEARTBEAT_SECONDS",
      "LEASE_SECONDS",
    ]);
  });

  it("wants the headers in no more time than the request, and room for one body at least", () => {
    expect(faulty({ HEADERS_TIMEOUT_SECONDS: "30.001" })).toEqual(["HEADERS_TIMEOUT_SECONDS"]);
    expect(faulty({ REQUEST_TIMEOUT_SECONDS: "14" })).toEqual(["HEADERS_TIMEOUT_SECONDS"]);
    expect(faulty({ BODIES_LIMIT_BYTES: "1048575" })).toEqual(["BODIES_LIMIT_BYTES"]);
    expect(faulty({ BODIES_LIMIT_BYTES: "1048576" })).toEqual([]);
  });

  it("compares times only if both can be read, whatever else is wrong", () => {
    expect(faulty({ HEARTBEAT_SECONDS: "9", LEASE_SECONDS: "x", PORT: "y" })).toEqual([
      "PORT",
      "LEASE_SECONDS",
    ]);
    expect(faulty({ HEARTBEAT_SECONDS: "9", VISIBILITY_SECONDS: "x", PORT: "y" })).toEqual([
      "PORT",
      "VISIBILITY_SECONDS",
      "HEARTBEAT_SECONDS",
    ]);
  });

  it("gives for any environment either sound settings or faults of known variables", () => {
    const value = fc.oneof(
      fc.string(),
      fc.nat().map(String),
      fc.double({ min: 0, max: 10_000, noNaN: true }).map((number) => number.toFixed(2)),
      fc.constantFrom("local", "info", "frontend", "a.test", "127.0.0.1", "East US", ""),
    );
    const environment = fc.dictionary(fc.constantFrom(...variables), value);
    fc.assert(
      fc.property(environment, (given) => {
        const faults = faultsOf(given);
        for (const { variable } of faults) expect(variables).toContain(variable);
        if (faults.length > 0) return;
        const config = readConfig(given);
        expect(config.heartbeatMs).toBeLessThan(config.leaseMs);
        expect(config.leaseMs).toBeLessThan(config.visibilityMs);
        expect(config.roles.length).toBeGreaterThan(0);
        const numbers = Object.values(config).filter((member) => typeof member === "number");
        expect(numbers.every(Number.isSafeInteger)).toBe(true);
        expect(URL.canParse(`https://api.name.${config.domain}:6443/`)).toBe(true);
        expect(config.location).toMatch(/^[a-z0-9]+$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps times to the millisecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), (ms) => {
        expect(readConfig({ LOCAL_INSTALL_SECONDS: (ms / 1000).toFixed(3) }).localInstallMs).toBe(
          ms,
        );
      }),
    );
  });
});

describe("who may call", () => {
  const tls = { TLS_CERT_FILE: "/etc/tls/tls.crt", TLS_KEY_FILE: "/etc/tls/tls.key" };
  const byCertificate = { AUTH: "client-certificate", CLIENT_CA_FILE: "/etc/ca.crt", ...tls };

  it("ARM-118: is everybody, on loopback addresses alone", () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "rp.example.com", "127.0.0.1.example.com"]) {
      expect(faulty({ HOST: host, ADMIN_HOST: host })).toEqual(["HOST", "ADMIN_HOST"]);
    }
    const [fault] = faultsOf({ HOST: "0.0.0.0", AUTH: "none" });
    expect(fault?.message).toContain("while AUTH is none");
  });

  it("ARM-117: may be one subject of an authority, on any address", () => {
    const {
      host,
      auth,
      adminAuth,
      tls: files,
    } = readConfig({
      ...byCertificate,
      HOST: "0.0.0.0",
      CLIENT_SUBJECT: "CN=caller,O=Example\\, Inc.",
    });
    expect({ host, auth, adminAuth, files }).toEqual({
      host: "0.0.0.0",
      auth: { kind: "client-certificate", subject: "CN=caller,O=Example\\, Inc." },
      adminAuth: { kind: "none" },
      files: {
        certFile: "/etc/tls/tls.crt",
        keyFile: "/etc/tls/tls.key",
        clientCaFile: "/etc/ca.crt",
      },
    });
    // the other listener is no safer for it
    expect(
      faulty({ ...byCertificate, CLIENT_SUBJECT: "CN=caller", ADMIN_HOST: "0.0.0.0" }),
    ).toEqual(["ADMIN_HOST"]);
  });

  it("ARM-117: may be ARM", () => {
    expect(readConfig({ AUTH: "arm", HOST: "::", ...tls })).toMatchObject({
      auth: {
        kind: "arm",
        metadataUrl:
          "https://management.azure.com:24582/metadata/authentication?api-version=2015-01-01",
      },
      tls: { certFile: "/etc/tls/tls.crt", keyFile: "/etc/tls/tls.key" },
    });
  });

  it("is said for the operators' listener apart, by another subject", () => {
    const admin = {
      ADMIN_AUTH: "client-certificate",
      ADMIN_CLIENT_SUBJECT: "CN=operator",
      ADMIN_HOST: "0.0.0.0",
    };
    expect(readConfig({ ...tls, ...admin, CLIENT_CA_FILE: "/etc/ca.crt" })).toMatchObject({
      auth: { kind: "none" },
      adminAuth: { kind: "client-certificate", subject: "CN=operator" },
    });
    expect(faulty({ ...tls, ...admin, AUTH: "arm" })).toEqual(["CLIENT_CA_FILE"]);
  });

  it.each([
    [
      "nothing but the kind",
      { AUTH: "client-certificate" },
      ["TLS_CERT_FILE", "TLS_KEY_FILE", "CLIENT_CA_FILE", "CLIENT_SUBJECT"],
    ],
    ["no key", { AUTH: "arm", TLS_CERT_FILE: "/x" }, ["TLS_KEY_FILE"]],
    ["no subject", byCertificate, ["CLIENT_SUBJECT"]],
    ["files without a use", tls, ["TLS_CERT_FILE", "TLS_KEY_FILE"]],
    [
      "a subject without a use",
      { AUTH: "arm", ...tls, CLIENT_SUBJECT: "CN=a", CLIENT_CA_FILE: "/x" },
      ["CLIENT_CA_FILE", "CLIENT_SUBJECT"],
    ],
    [
      "an operator's subject without a use",
      { ...byCertificate, CLIENT_SUBJECT: "CN=a", ADMIN_CLIENT_SUBJECT: "CN=a" },
      ["ADMIN_CLIENT_SUBJECT"],
    ],
    [
      "a metadata endpoint without a use",
      { ARM_METADATA_URL: "https://arm.example/" },
      ["ARM_METADATA_URL"],
    ],
    [
      "faults of their own and together",
      { AUTH: "client-certificate", CLIENT_SUBJECT: "caller", ADMIN_HOST: "0.0.0.0" },
      ["CLIENT_SUBJECT", "ADMIN_HOST", "TLS_CERT_FILE", "TLS_KEY_FILE", "CLIENT_CA_FILE"],
    ],
  ])("is not said by halves: %s", (_name, given, expected) => {
    expect(faulty(given)).toEqual(expected);
  });

  it.each(["http://arm.example/", "ftp://arm.example/", "arm.example", "https://a:b@arm.example/"])(
    "is not asked of %s",
    (url) => {
      expect(faulty({ AUTH: "arm", ...tls, ARM_METADATA_URL: url })).toEqual(["ARM_METADATA_URL"]);
    },
  );

  it("shows no key that was pasted for its path", () => {
    const key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----";
    for (const pasted of [key, key.replaceAll("\n", " ")]) {
      const faults = faultsOf({ AUTH: "arm", ...tls, TLS_KEY_FILE: pasted });
      expect(faults.map(({ variable }) => variable)).toEqual(["TLS_KEY_FILE"]);
      expect(JSON.stringify(faults)).not.toContain("MIGHAgEAMBMG");
    }
  });
});

describe("the engines", () => {
  const key = Buffer.alloc(64, "k").toString("base64");
  const cosmos = { COSMOSDB_ACCOUNT: "documents" };
  const storage = { STORAGE_ACCOUNT: "messages" };
  const sealing = { SEALING_KEY_FILE: "rp.key" };
  const azure = { ...cosmos, ...storage, ...sealing };

  it("are the embedded ones unless both of Azure are given", () => {
    expect(readConfig({}).azure).toBeUndefined();
    const config = readConfig(azure);
    expect(config.azure).toEqual({
      cosmos: { endpoint: "https://documents.documents.azure.com" },
      storageQueue: { endpoint: "https://messages.queue.core.windows.net" },
    });
    expect(Object.isFrozen(config.azure)).toBe(true);
    expect(config.sealing).toEqual({ keyFile: "rp.key" });
    expect(Object.isFrozen(config.sealing)).toBe(true);
  });

  it("of Azure need a place for the keys that secrets are sealed by", () => {
    expect(readConfig({}).sealing).toBeUndefined();
    const [fault, ...others] = faultsOf({ ...cosmos, ...storage });
    expect(others).toEqual([]);
    expect(fault?.variable).toBe("SEALING_KEY_VAULT");
    expect(fault?.message).toMatch(/^or SEALING_KEY_FILE must be set/);
    const vault = { SEALING_KEY_VAULT: "keys" };
    expect(readConfig({ ...cosmos, ...storage, ...vault }).sealing).toEqual({
      vaultUrl: "https://keys.vault.azure.net",
      secretName: "openshift-rp-sealing-key",
    });
    expect(faulty({ ...azure, ...vault })).toEqual(["SEALING_KEY_VAULT"]);
  });

  it("come with their keys, which nothing shows", () => {
    const config = readConfig({ ...azure, COSMOSDB_KEY: key, STORAGE_KEY: key });
    expect(config.azure?.cosmos.key?.reveal()).toBe(key);
    expect(config.azure?.storageQueue.sharedKey?.key.reveal()).toBe(key);
    expect(JSON.stringify(config)).not.toContain(key);
    expect(inspect(config, { depth: 10 })).not.toContain(key);
  });

  it.each([
    [cosmos, "STORAGE_ACCOUNT"],
    [{ COSMOSDB_ENDPOINT: "https://documents.example" }, "STORAGE_ACCOUNT"],
    [storage, "COSMOSDB_ACCOUNT"],
    [{ STORAGE_QUEUE_ENDPOINT: "https://messages.queue.example/" }, "COSMOSDB_ACCOUNT"],
  ])("%j alone is refused, by the name of what is missing", (given, missing) => {
    const [fault, ...others] = faultsOf({ ...given, ...sealing });
    expect(others).toEqual([]);
    expect(fault?.variable).toBe(missing);
    expect(fault?.message).toMatch(/^or \w+ must be set too: .*together, or neither/);
  });

  it("are refused with every fault at once, other settings' among them, and no value is shown", () => {
    const secret = `AccountKey=${key}`;
    const given = { PORT: "x", ...cosmos, ...sealing, COSMOSDB_KEY: secret, STORAGE_KEY: secret };
    expect(faulty(given)).toEqual(["PORT", "COSMOSDB_KEY", "STORAGE_ACCOUNT", "STORAGE_KEY"]);
    expect(JSON.stringify(faultsOf(given))).not.toContain(key);
  });

  it("of Azure have defaults of their own, and those that are set", () => {
    expect(readConfig(azure)).toMatchObject({
      heartbeatMs: 10_000,
      leaseMs: 45_000,
      visibilityMs: 60_000,
      retryAfterSeconds: 10,
      unannouncedSubscriptions: "Unregistered",
    });
    expect(readConfig({ ...azure, LEASE_SECONDS: "30" })).toMatchObject({
      heartbeatMs: 10_000,
      leaseMs: 30_000,
      visibilityMs: 60_000,
    });
    expect(faulty({ ...azure, VISIBILITY_SECONDS: "40" })).toEqual(["LEASE_SECONDS"]);
  });
});

describe("the installer on Azure", () => {
  const group = "/subscriptions/0f5d8a3e-9a43-4f2f-8e2e-0c7a3c1d9b11/resourceGroups/dns";
  const zone = `${group}/providers/Microsoft.Network/dnsZones/Clusters.Example.com`;
  const azure = {
    INSTALLER: "azure",
    AZURE_DNS_ZONE_ID: zone,
    OPENSHIFT_INSTALL: "/opt/openshift-install",
  };

  it("has its zone for the parent domain, and the public cloud's endpoints", () => {
    const config = readConfig(azure);
    expect(config).toMatchObject({ installer: "azure", domain: "clusters.example.com" });
    expect(config.azureInstaller).toEqual({
      dnsZone: {
        subscriptionId: "0f5d8a3e-9a43-4f2f-8e2e-0c7a3c1d9b11",
        resourceGroup: "dns",
        name: "clusters.example.com",
      },
      installProgram: "/opt/openshift-install",
      endpoints: {
        resourceManager: "https://management.azure.com",
        authorityHost: "https://login.microsoftonline.com",
      },
      pollMs: 10_000,
    });
    expect(Object.isFrozen(config.azureInstaller)).toBe(true);
  });

  it("finds other clouds, whose platforms write a slash at the end", () => {
    const { azureInstaller } = readConfig({
      ...azure,
      AZURE_RESOURCE_MANAGER_URL: "https://management.usgovcloudapi.net",
      AZURE_AUTHORITY_HOST: "https://login.microsoftonline.us/",
    });
    expect(azureInstaller?.endpoints).toEqual({
      resourceManager: "https://management.usgovcloudapi.net",
      authorityHost: "https://login.microsoftonline.us",
    });
  });

  it("takes the id of the zone in any case", () => {
    const id = readConfig({ ...azure, AZURE_DNS_ZONE_ID: zone.toUpperCase() });
    expect(id.azureInstaller?.dnsZone).toEqual({
      subscriptionId: "0f5d8a3e-9a43-4f2f-8e2e-0c7a3c1d9b11",
      resourceGroup: "DNS",
      name: "clusters.example.com",
    });
  });

  it.each([
    ["of a group", group, "it ends before /providers/Microsoft.Network/dnsZones/DOMAIN"],
    [
      "of a private zone",
      zone.replace("dnsZones", "privateDnsZones"),
      '"privateDnsZones" stands where dnsZones should',
    ],
    ["of a record", `${zone}/A/api`, "it goes on after DOMAIN"],
    ["with an empty name", zone.replace(/[^/]*$/, ""), '"" stands where DOMAIN should'],
    ["with a name that is none of DNS", zone.replace(/[^/]*$/, "a_b.test"), '"a_b.test" stands'],
    ["with an address for a name", zone.replace(/[^/]*$/, "10.0.0.1"), "where DOMAIN should"],
    [
      "with a name that leaves no room",
      zone.replace(/[^/]*$/, `${"a.".repeat(79)}a`),
      "a text of 159 characters stands where DOMAIN should",
    ],
    ["without a group", zone.replace("/dns/", "//"), '"" stands where GROUP should'],
    ["with a group that ends with a dot", zone.replace("/dns/", "/dns./"), '"dns." stands'],
    [
      "with a subscription that is no GUID",
      zone.replace("0f5d8a3e", "me"),
      "stands where ID should",
    ],
    ["with a slash at its end", `${zone}/`, "it goes on after DOMAIN"],
    [
      "without a slash at its start",
      zone.slice(1),
      'it begins with "subscriptions", not with a slash',
    ],
  ])("refuses an id %s, and says what is wrong with it", (_name, id, reason) => {
    const faults = faultsOf({ ...azure, AZURE_DNS_ZONE_ID: id });
    expect(faults.map(({ variable }) => variable)).toEqual(["AZURE_DNS_ZONE_ID"]);
    expect(JSON.stringify(faults)).toContain(JSON.stringify(reason).slice(1, -1));
  });

  it("says which installer is set when it is another one", () => {
    const messageOf = (installer: Record<string, string>) =>
      faultsOf({ AZURE_DNS_ZONE_ID: zone, ...installer }).map(({ message }) => message);
    expect(messageOf({})).toEqual(["is of no use without INSTALLER=azure, which is not set"]);
    expect(messageOf({ INSTALLER: "local" })).toEqual([
      "is of no use without INSTALLER=azure, which is set to local",
    ]);
  });

  it.each([
    "http://arm.example",
    "http://127.0.0.1:8443",
    "https://arm.example/a",
    "https://u:p@arm.example",
    "https://arm.example?sig=abc",
    "arm.example",
  ])("sends no token to %s", (url) => {
    for (const variable of ["AZURE_RESOURCE_MANAGER_URL", "AZURE_AUTHORITY_HOST"]) {
      const faults = faultsOf({ ...azure, [variable]: url });
      expect(faults.map((fault) => fault.variable)).toEqual([variable]);
      expect(JSON.stringify(faults)).not.toContain(url);
    }
  });

  it.each([
    ["nothing but the name", { INSTALLER: "azure" }, ["AZURE_DNS_ZONE_ID", "OPENSHIFT_INSTALL"]],
    ["no zone", { ...azure, AZURE_DNS_ZONE_ID: " " }, ["AZURE_DNS_ZONE_ID"]],
    ["no program", { ...azure, OPENSHIFT_INSTALL: "" }, ["OPENSHIFT_INSTALL"]],
    [
      "all but the name",
      { ...azure, INSTALLER: undefined },
      ["AZURE_DNS_ZONE_ID", "OPENSHIFT_INSTALL"],
    ],
    [
      "all but the right name",
      { ...azure, INSTALLER: "local" },
      ["AZURE_DNS_ZONE_ID", "OPENSHIFT_INSTALL"],
    ],
    ["another domain", { ...azure, DOMAIN: "example.com" }, ["DOMAIN"]],
    [
      "what is about the other installer",
      { ...azure, LOCAL_INSTALL_SECONDS: "1", LOCAL_FAILING_STEP: "CopyImage" },
      ["LOCAL_INSTALL_SECONDS", "LOCAL_FAILING_STEP"],
    ],
    [
      "all of that",
      { INSTALLER: "azure", AZURE_DNS_ZONE_ID: zone, DOMAIN: "a.test", LOCAL_INSTALL_SECONDS: "1" },
      ["DOMAIN", "LOCAL_INSTALL_SECONDS", "OPENSHIFT_INSTALL"],
    ],
  ])("is not chosen by halves: %s", (_name, given, expected) => {
    expect(faulty(given)).toEqual(expected);
  });

  it("may be told its zone's name as the domain too", () => {
    expect(faultsOf({ ...azure, DOMAIN: "clusters.EXAMPLE.com" })).toEqual([]);
  });

  it("leaves alone what platforms set for every program", () => {
    const given = { AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/" };
    expect(readConfig(given)).toEqual(readConfig({}));
  });
});

describe("the documentation of the settings", () => {
  it("has defaults that are the defaults", () => {
    const given = Object.fromEntries(
      describeSettings().map(({ variable, defaultText }) => [variable, defaultText]),
    );
    expect(readConfig(given)).toEqual(readConfig({}));
    for (const { meaning } of describeSettings()) expect(meaning).toMatch(/^[A-Z].*\.$/);
  });

  it("is env.example", () => {
    expect(readFileSync(new URL("../env.example", import.meta.url), "utf8")).toBe(
      environmentExample(),
    );
  });

  it("is the table in README.md", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [, table] = /<!-- settings -->\n([^]*?)\n<!-- \/settings -->/.exec(readme) ?? [];
    expect(table?.trim()).toBe(settingsTable());
  });
});
