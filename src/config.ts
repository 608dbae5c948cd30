/**
 * The settings: one schema from which names, defaults, descriptions and checks derive. It is the only reader of the
 * environment; it must never open, create or print anything, nor let a value through that was not checked here.
 */
import { regionName } from "./model/regionName.ts";
import { z } from "zod";
import { misspeltVariables, type MisspeltVariable } from "./misspeltVariables.ts";
import {
  adminAuths,
  armMetadataUrl,
  authenticationFaults,
  frontendAuths,
  isMetadataUrl,
  type AuthenticationValues,
  type ListenerAuth,
  type TlsFiles,
} from "./listener/authenticationSettings.ts";
import {
  dnsZoneExpectation,
  dnsZoneFault,
  dnsZoneForm,
  installerFaults,
  publicEndpoints,
  readDnsZoneId,
  readEndpoint,
  type AzureInstallerSettings,
} from "./installers/azure/azureInstallerSettings.ts";
import { localStepNames } from "./installers/local/localInstallerSettings.ts";
import { runningMax } from "./model/activity.ts";
import { deadlineMaxMs, depthMax, type Limits } from "./model/limits.ts";
import {
  readStorageQueueSettings,
  type StorageQueueSettings,
} from "./queue/storageQueueSettings.ts";
import { tracesUrl, traceSamplers, type TraceSettings } from "./runtime/traceSettings.ts";
import {
  collectorUrl,
  connectionStringForm,
  decimalForm,
  distinguishedName,
  domainLengthMax,
  filePath,
  isDomainName,
  listenAddress,
  listOf,
  oneOf,
  optional,
  pairs,
  portRange,
  seconds,
  shown,
  sound,
  wholeNumber,
  withRange,
} from "./settingForms.ts";
import { readCosmosSettings, type CosmosSettings } from "./store/cosmosSettings.ts";
import {
  defaultSecretName,
  readSealingSettings,
  type SealingSettings,
} from "./store/sealingSettings.ts";

/** What a process can be, alone or together. */
export type Role = (typeof roles)[number];
const roles = ["frontend", "forwarder", "backend"] as const;

/** The engines for many machines: both or neither, as one without the other would be half a program. */
export interface AzureEngines {
  readonly cosmos: CosmosSettings;
  readonly storageQueue: StorageQueueSettings;
}

/** The settings of a process: checked, in milliseconds where they are times, and frozen. */
export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** At least one, each once. */
  readonly roles: readonly Role[];
  readonly adminHost: string;
  /** Absent: no listener for operators; 0: any free port. */
  readonly adminPort?: number;
  /** Of the frontend. */
  readonly auth: ListenerAuth;
  readonly adminAuth: Exclude<ListenerAuth, { kind: "arm" }>;
  /** There unless both are `none`; the authorities too where a certificate's subject decides. */
  readonly tls?: TlsFiles;
  /** Lower case, without spaces. */
  readonly location: string;
  /** Of the embedded engine; not used with the Azure engines. */
  readonly dataDir: string;
  /** Absent: the embedded engine. */
  readonly azure?: AzureEngines;
  /** Absent: the embedded engine's own key file. */
  readonly sealing?: SealingSettings;
  /** Lower case. */
  readonly domain: string;
  readonly installer: "local" | "azure";
  /** There with the installer `azure` alone; its zone is `domain`. */
  readonly azureInstaller?: AzureInstallerSettings;
  readonly localInstallMs: number;
  /** Absent: none. */
  readonly localFailingStep?: string;
  readonly workers: number;
  readonly unannouncedSubscriptions: "Registered" | "Unregistered";
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly visibilityMs: number;
  readonly retryAfterSeconds: number;
  readonly limits: Limits;
  /** Of operations under way in the whole fleet; 0: no limit. */
  readonly operationsLimit: number;
  /** The most that a clean stop may take. */
  readonly shutdownMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  /** Absent: no traces are exported. */
  readonly traces?: TraceSettings;
}

/** Variables of a process by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing that is wrong with the environment. */
export interface ConfigFault {
  readonly variable: string;
  readonly message: string;
}

/** Everything that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ variable, message }) => `${variable} ${message}`).join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/**
 * Times are longer than those of the embedded engine: each renewal is paid for, and networks fail for longer than disks. And what
 * is meant for a quick look at a laptop is not meant for them.
 */
const azureDefaults: Readonly<Record<string, string>> = {
  HEARTBEAT_SECONDS: "10",
  LEASE_SECONDS: "45",
  VISIBILITY_SECONDS: "60",
  // decision 12
  RETRY_AFTER_SECONDS: "10",
  // decision 11
  UNANNOUNCED_SUBSCRIPTIONS: "unregistered",
};

function withAzureDefault(variable: string, meaning: string): string {
  return `${meaning} With the Azure engines ${azureDefaults[variable]} by default.`;
}

/** Not shown in faults: people put keys into URLs. */
function azureEndpoint({ byDefault, meaning }: Readonly<Record<"byDefault" | "meaning", string>>) {
  return z
    .string()
    .transform((text, context) => {
      const endpoint = readEndpoint(text);
      if (endpoint !== undefined) return endpoint;
      context.addIssue("must be a URL that begins with https:// and has no path, user or query");
      return z.NEVER;
    })
    .prefault(byDefault)
    .describe(meaning);
}

const schema = z
  .object({
    HOST: listenAddress({
      byDefault: "127.0.0.1",
      meaning: "Address where the frontend listens; loopback only while `AUTH` is `none`.",
    }),
    PORT: wholeNumber({
      ...portRange,
      byDefault: "8080",
      meaning: "Port where the frontend listens; 0 takes any free one.",
    }),
    ADMIN_HOST: listenAddress({
      byDefault: "127.0.0.1",
      meaning: "Address of the listener for operators; loopback only while `ADMIN_AUTH` is `none`.",
    }),
    ADMIN_PORT: decimalForm(portRange, 0)
      .optional()
      .describe(
        withRange({
          ...portRange,
          meaning:
            "Port of a listener for operators, with `/metrics`, `/healthz` and the API `/admin/v1`; 0 takes any free one, and without one there is none.",
        }),
      ),
    AUTH: oneOf(frontendAuths, {
      byDefault: "none",
      meaning:
        "Who may call the frontend: everybody on this machine, one subject of a private authority, or ARM by the certificates it publishes.",
    }),
    ADMIN_AUTH: oneOf(adminAuths, {
      byDefault: "none",
      meaning: "Who may call the listener for operators.",
    }),
    TLS_CERT_FILE: filePath(
      "PEM file with the server's certificate, and those that lead to its authority; needed unless callers are not authenticated.",
    ),
    TLS_KEY_FILE: filePath("PEM file with its private key, not encrypted."),
    CLIENT_CA_FILE: filePath(
      "PEM file with the authorities whose client certificates count; needed with `client-certificate`.",
    ),
    CLIENT_SUBJECT: distinguishedName(
      "Subject of the client certificate that may call the frontend, whole, as `openssl x509 -noout -subject -nameopt RFC2253,-esc_msb` shows it.",
    ),
    ADMIN_CLIENT_SUBJECT: distinguishedName(
      "Subject of the client certificate that may call the listener for operators.",
    ),
    ARM_METADATA_URL: z
      .string()
      .refine(isMetadataUrl, {
        error: ({ input }) => `must be an https URL, not ${shown(input)}`,
      })
      .prefault(armMetadataUrl)
      .describe("Where ARM publishes its client certificates, for `AUTH=arm`."),
    ROLES: listOf(roles, {
      byDefault: roles.join(","),
      meaning: "Which roles this process runs; one without the frontend opens no port.",
    }),
    LOCATION: z
      .string()
      .regex(/^(?=.{1,60}$)[a-z0-9 ]+$/i, {
        error: ({ input }) => `must be at most 60 letters, digits and spaces, not ${shown(input)}`,
      })
      .transform(regionName)
      .prefault("eastus")
      .describe(
        "The Azure region served; a cluster's `location` must equal it, case and spaces aside.",
      ),
    DATA_DIR: z
      .string()
      .refine((text) => text.trim() !== "" && !text.includes("\0"), {
        error: ({ input }) => `must be the path of a folder, not ${shown(input)}`,
      })
      .refine((text) => !connectionStringForm.test(text), {
        error: "must be the path of a folder, not a connection string",
      })
      .prefault("./data")
      .describe("Folder of the embedded database; several processes may share it."),
    DOMAIN: z
      .string()
      .refine(isDomainName, {
        error: ({ input }) =>
          `must be a DNS name of at most ${domainLengthMax} characters, not ${shown(input)}`,
      })
      .transform((text) => text.toLowerCase())
      .prefault("openshift.test")
      .describe("Parent domain of the clusters' URLs."),
    INSTALLER: oneOf(["local", "azure"], {
      byDefault: "local",
      meaning:
        "Which installer builds clusters; `local` creates no cloud resources, `azure` real clusters.",
    }),
    AZURE_DNS_ZONE_ID: z
      .string()
      .transform((text, context) => {
        const zone = readDnsZoneId(text);
        if (zone !== undefined) return Object.freeze(zone);
        context.addIssue(`${dnsZoneExpectation}: ${dnsZoneFault(text)}`);
        return z.NEVER;
      })
      .optional()
      .describe(
        `Id of the public DNS zone below which clusters get their domains, \`${dnsZoneForm}\`; its name takes the place of \`DOMAIN\`. Needed with \`INSTALLER=azure\`, as is the next.`,
      ),
    OPENSHIFT_INSTALL: filePath("Path of the program `openshift-install`."),
    AZURE_RESOURCE_MANAGER_URL: azureEndpoint({
      byDefault: publicEndpoints.resourceManager,
      meaning: "Where the installer finds Azure Resource Manager.",
    }),
    AZURE_AUTHORITY_HOST: azureEndpoint({
      byDefault: publicEndpoints.authorityHost,
      meaning: "Where it signs in to Microsoft Entra.",
    }),
    AZURE_POLL_SECONDS: seconds({
      min: 0.1,
      max: 300,
      byDefault: "10",
      meaning:
        "How long its steps wait until they ask again for what takes minutes in Azure: longer where other programs use up the subscription's requests, shorter with a stand-in.",
    }),
    LOCAL_INSTALL_SECONDS: seconds({
      min: 0,
      max: 86_400,
      byDefault: "10",
      meaning: "How long the local installer takes for a create; 0 is as fast as it can.",
    }),
    LOCAL_FAILING_STEP: z
      .enum(localStepNames, {
        error: ({ input }) =>
          `must be a step of the local installer, one of ${localStepNames.join(", ")}, not ${shown(input)}`,
      })
      .optional()
      .describe(
        "A step at which operations of the local installer fail, such as `CopyImage`: to see what becomes of a cluster then.",
      ),
    WORKERS: wholeNumber({
      min: 1,
      max: 1000,
      byDefault: "100",
      meaning: "How many clusters a backend works on at the same time.",
    }),
    UNANNOUNCED_SUBSCRIPTIONS: oneOf(["registered", "unregistered"], {
      byDefault: "registered",
      meaning: withAzureDefault(
        "UNANNOUNCED_SUBSCRIPTIONS",
        "What a subscription counts as that ARM has never announced.",
      ),
    }),
    HEARTBEAT_SECONDS: seconds({
      min: 0.05,
      max: 3600,
      byDefault: "2",
      meaning: withAzureDefault(
        "HEARTBEAT_SECONDS",
        "How often a worker renews what it holds; less than `LEASE_SECONDS`.",
      ),
    }),
    LEASE_SECONDS: seconds({
      min: 0.1,
      max: 3600,
      byDefault: "6",
      meaning: withAzureDefault(
        "LEASE_SECONDS",
        "After how long a silent worker is replaced; less than `VISIBILITY_SECONDS`.",
      ),
    }),
    VISIBILITY_SECONDS: seconds({
      min: 0.2,
      max: 3600,
      byDefault: "8",
      meaning: withAzureDefault(
        "VISIBILITY_SECONDS",
        "After how long a message that was not completed comes back.",
      ),
    }),
    RETRY_AFTER_SECONDS: wholeNumber({
      min: 0,
      max: 3600,
      byDefault: "1",
      meaning: withAzureDefault(
        "RETRY_AFTER_SECONDS",
        "When a caller should ask again about a running operation.",
      ),
    }),
    BODY_LIMIT_BYTES: wholeNumber({
      min: 1024,
      max: 1_048_576,
      byDefault: "1048576",
      meaning: "The largest request body accepted, unpacked.",
    }),
    BODIES_LIMIT_BYTES: wholeNumber({
      min: 1024,
      max: 4_294_967_296,
      byDefault: "67108864",
      meaning:
        "How much all request bodies in memory may have together, those of one subscription a third of it; not less than `BODY_LIMIT_BYTES`.",
    }),
    BODY_DEPTH_LIMIT: wholeNumber({
      min: 16,
      max: depthMax,
      byDefault: "64",
      meaning: "How deep the JSON of a body may be nested.",
    }),
    BODY_ITEMS_LIMIT: wholeNumber({
      min: 800,
      max: 1_000_000,
      byDefault: "1000",
      meaning: "How many items an array of a body may have.",
    }),
    BODY_VALUES_LIMIT: wholeNumber({
      min: 1000,
      max: 1_000_000,
      byDefault: "10000",
      meaning: "How many members and items a body may have in all.",
    }),
    URI_LIMIT_BYTES: wholeNumber({
      min: 8000,
      max: 65_536,
      byDefault: "16384",
      meaning: "The longest request target accepted.",
    }),
    HEADERS_LIMIT: wholeNumber({
      min: 50,
      max: 1000,
      byDefault: "200",
      meaning: "How many headers a request may have.",
    }),
    HEADERS_LIMIT_BYTES: wholeNumber({
      min: 16_384,
      max: 262_144,
      byDefault: "32768",
      meaning: "The most that the request line and headers may have together.",
    }),
    HEADERS_TIMEOUT_SECONDS: seconds({
      min: 0.1,
      max: 300,
      byDefault: "15",
      meaning: "How long a caller may take to send them; not more than `REQUEST_TIMEOUT_SECONDS`.",
    }),
    REQUEST_TIMEOUT_SECONDS: seconds({
      min: 0.1,
      max: 300,
      byDefault: "30",
      meaning: "How long a caller may take to send a whole request.",
    }),
    REQUEST_DEADLINE_SECONDS: seconds({
      min: 0.1,
      max: deadlineMaxMs / 1000,
      byDefault: "30",
      meaning: "How long an answer may take, from the request's headers on.",
    }),
    SEND_TIMEOUT_SECONDS: seconds({
      min: 0.1,
      max: 300,
      byDefault: "60",
      meaning: "How long a caller may take to receive an answer.",
    }),
    KEEP_ALIVE_SECONDS: seconds({
      min: 0.1,
      max: 3600,
      byDefault: "75",
      meaning:
        "How long a connection without a request is kept; longer than a proxy in front of it does.",
    }),
    CONNECTIONS_LIMIT: wholeNumber({
      min: 1,
      max: 100_000,
      byDefault: "2000",
      meaning:
        "How many connections the frontend has at once; for more, idle ones are closed, or the new ones where none is idle.",
    }),
    REQUESTS_LIMIT: wholeNumber({
      min: 1,
      max: 100_000,
      byDefault: "500",
      meaning: "How many requests are worked on at once; more are answered 503.",
    }),
    SUBSCRIPTION_REQUESTS_LIMIT: wholeNumber({
      min: 1,
      max: 100_000,
      byDefault: "250",
      meaning:
        "How many requests of one subscription may be under way at once; more are answered 429.",
    }),
    OPERATIONS_LIMIT: wholeNumber({
      min: 0,
      max: runningMax,
      byDefault: String(runningMax),
      meaning:
        "How many operations may be under way in the whole fleet before creates and updates are answered 503 `TooManyOperations`; 0 is no limit.",
    }),
    SHUTDOWN_SECONDS: seconds({
      min: 0,
      max: 3600,
      byDefault: "9",
      meaning: "The most that a clean stop may take.",
    }),
    LOG_LEVEL: oneOf(["debug", "info", "warn", "error", "silent"], {
      byDefault: "info",
      meaning: "What is logged to standard output: JSON lines, or text on a terminal.",
    }),
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl(
      "URL of an OpenTelemetry collector, such as `http://localhost:4318`; traces go to `/v1/traces` below it, and without one there are none.",
    ),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorUrl(
      "The whole URL for traces, instead of the one above.",
    ),
    OTEL_EXPORTER_OTLP_PROTOCOL: oneOf(["http/protobuf"], {
      byDefault: "http/protobuf",
      meaning: "How the collector is spoken to.",
    }),
    OTEL_EXPORTER_OTLP_HEADERS: pairs(
      "Headers for the collector, such as a token: `name=value`, percent-encoded, with commas between them.",
    ),
    OTEL_EXPORTER_OTLP_TIMEOUT: wholeNumber({
      min: 1,
      max: 600_000,
      byDefault: "10000",
      meaning: "After how many milliseconds the collector is given up, and what it didn't take.",
    }),
    OTEL_SERVICE_NAME: z
      .string()
      .regex(/^[\x20-\x7e]{1,255}$/, {
        error: ({ input }) => `must be at most 255 characters of ASCII, not ${shown(input)}`,
      })
      .prefault("openshift-resource-provider")
      .describe("What this program is called in traces."),
    OTEL_RESOURCE_ATTRIBUTES: pairs(
      "What else traces say of this process, such as `deployment.environment.name=test`, in the same form.",
    ),
    OTEL_TRACES_SAMPLER: oneOf(traceSamplers, {
      byDefault: "parentbased_always_on",
      meaning:
        "Which traces are recorded; by default all, save those that their caller doesn't record.",
    }),
    OTEL_TRACES_SAMPLER_ARG: z
      .string()
      .regex(/^(0|0?\.[0-9]{1,9}|1(\.0{1,9})?)$/, {
        error: ({ input }) => `must be a decimal number from 0 to 1, not ${shown(input)}`,
      })
      .transform(Number)
      .prefault("1")
      .describe("The share of traces that a `traceidratio` sampler records. From 0 to 1."),
    COSMOSDB_ACCOUNT: optional(
      "Name of the Cosmos DB account that keeps the documents; with `STORAGE_ACCOUNT` it takes the place of the embedded engine.",
    ),
    COSMOSDB_ENDPOINT: optional("Its URL instead of its name, for other clouds and stand-ins."),
    COSMOSDB_KEY: optional("A key of that account; without one, Microsoft Entra."),
    STORAGE_ACCOUNT: optional(
      "Name of the storage account whose queue carries the work; only together with Cosmos DB.",
    ),
    STORAGE_QUEUE_ENDPOINT: optional(
      "The URL of its queue service instead of its name, for other clouds and stand-ins.",
    ),
    STORAGE_KEY: optional("A key of that account; without one, Microsoft Entra."),
    SEALING_KEY_FILE: optional(
      "File of the keys that secrets are sealed by; without one the embedded engine makes `rp.key` in `DATA_DIR`.",
    ),
    SEALING_KEY_VAULT: optional(
      "Name or URL of an Azure Key Vault that holds them instead; the Azure engines need this or the file.",
    ),
    SEALING_KEY_SECRET: optional(
      `Name of the secret there whose versions are the keys; \`${defaultSecretName}\` if not set.`,
    ),
  })
  .refine((values) => values.HEARTBEAT_SECONDS < values.LEASE_SECONDS, {
    path: ["HEARTBEAT_SECONDS"],
    error: "must be less than LEASE_SECONDS, or the lease runs out before it is renewed",
    when: sound("HEARTBEAT_SECONDS", "LEASE_SECONDS"),
  })
  .refine((values) => values.LEASE_SECONDS < values.VISIBILITY_SECONDS, {
    path: ["LEASE_SECONDS"],
    error:
      "must be less than VISIBILITY_SECONDS, or a crashed worker's message comes back while its " +
      "lease still holds",
    when: sound("LEASE_SECONDS", "VISIBILITY_SECONDS"),
  })
  .refine((values) => values.HEADERS_TIMEOUT_SECONDS <= values.REQUEST_TIMEOUT_SECONDS, {
    path: ["HEADERS_TIMEOUT_SECONDS"],
    error:
      "must not be more than REQUEST_TIMEOUT_SECONDS, since the headers are a part of a request",
    when: sound("HEADERS_TIMEOUT_SECONDS", "REQUEST_TIMEOUT_SECONDS"),
  })
  .refine((values) => values.BODY_LIMIT_BYTES <= values.BODIES_LIMIT_BYTES, {
    path: ["BODIES_LIMIT_BYTES"],
    error: "must not be less than BODY_LIMIT_BYTES, or the largest body is never accepted",
    when: sound("BODY_LIMIT_BYTES", "BODIES_LIMIT_BYTES"),
  })
  .superRefine(
    (values, context) => {
      for (const { variable, message } of authenticationFaults(values)) {
        if (!sound(variable)(context)) continue;
        context.issues.push({
          code: "custom",
          input: values[variable],
          path: [variable],
          message: variable.endsWith("HOST")
            ? `${message}, not ${shown(values[variable])}`
            : message,
        });
      }
    },
    { when: sound("AUTH", "ADMIN_AUTH") },
  );

/**
 * The settings of this process. Blanks around a value don't matter; an empty one counts as absent.
 *
 * @throws {ConfigError} with every fault at once.
 */
export function readConfig(environment: Environment = process.env): Config {
  const given: Record<string, string> = {};
  for (const variable of Object.keys(schema.shape)) {
    const value = environment[variable]?.trim() ?? "";
    if (value !== "") given[variable] = value;
  }
  const engines = readEngines(given);
  const sealing = readSealing(given, engines);
  const defaults = engines.isAzure ? azureDefaults : {};
  const result = schema.safeParse({ ...defaults, ...given });
  const ownFaults = (result.error?.issues ?? []).map(({ path, message }) => ({
    variable: String(path[0]),
    message,
  }));
  const isFaulty = (variable: string): boolean =>
    ownFaults.some((fault) => fault.variable === variable);
  const faults = [
    ...ownFaults,
    // what one says of itself is enough
    ...(isFaulty("INSTALLER") ? [] : installerFaults(given)).filter(
      ({ variable }) => !isFaulty(variable),
    ),
    ...engines.faults,
    ...sealing.faults,
  ];
  if (!result.success || faults.length > 0) throw new ConfigError(faults);
  const values = result.data;
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    ...(values.ADMIN_PORT === undefined ? {} : { adminPort: values.ADMIN_PORT }),
    ...authenticationOf(values),
    roles: values.ROLES,
    location: values.LOCATION,
    dataDir: values.DATA_DIR,
    ...(engines.azure === undefined ? {} : { azure: engines.azure }),
    ...(sealing.settings === undefined ? {} : { sealing: sealing.settings }),
    domain: values.DOMAIN,
    installer: values.INSTALLER,
    ...azureInstallerOf(values),
    localInstallMs: values.LOCAL_INSTALL_SECONDS,
    ...(values.LOCAL_FAILING_STEP === undefined
      ? {}
      : { localFailingStep: values.LOCAL_FAILING_STEP }),
    workers: values.WORKERS,
    unannouncedSubscriptions:
      values.UNANNOUNCED_SUBSCRIPTIONS === "registered" ? "Registered" : "Unregistered",
    heartbeatMs: values.HEARTBEAT_SECONDS,
    leaseMs: values.LEASE_SECONDS,
    visibilityMs: values.VISIBILITY_SECONDS,
    retryAfterSeconds: values.RETRY_AFTER_SECONDS,
    operationsLimit: values.OPERATIONS_LIMIT,
    limits: Object.freeze({
      connection: Object.freeze({
        connections: values.CONNECTIONS_LIMIT,
        headersTimeoutMs: values.HEADERS_TIMEOUT_SECONDS,
        requestTimeoutMs: values.REQUEST_TIMEOUT_SECONDS,
        keepAliveMs: values.KEEP_ALIVE_SECONDS,
        sendTimeoutMs: values.SEND_TIMEOUT_SECONDS,
        headerBytes: values.HEADERS_LIMIT_BYTES,
      }),
      request: Object.freeze({
        uriBytes: values.URI_LIMIT_BYTES,
        headers: values.HEADERS_LIMIT,
        deadlineMs: values.REQUEST_DEADLINE_SECONDS,
        requests: values.REQUESTS_LIMIT,
        subscriptionRequests: values.SUBSCRIPTION_REQUESTS_LIMIT,
      }),
      body: Object.freeze({
        bytes: values.BODY_LIMIT_BYTES,
        totalBytes: values.BODIES_LIMIT_BYTES,
        depth: values.BODY_DEPTH_LIMIT,
        items: values.BODY_ITEMS_LIMIT,
        values: values.BODY_VALUES_LIMIT,
      }),
    }),
    shutdownMs: values.SHUTDOWN_SECONDS,
    logLevel: values.LOG_LEVEL,
    ...tracesOf(values),
  });
}

/** What is set but no setting, and looks as if one was meant. */
export function readMisspelt(environment: Environment = process.env): readonly MisspeltVariable[] {
  const names = Object.keys(environment).filter((name) => environment[name]?.trim());
  return misspeltVariables(names, Object.keys(schema.shape));
}

/** Of values that go together. */
function authenticationOf(
  values: AuthenticationValues,
): Pick<Config, "auth" | "adminAuth" | "tls"> {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, CLIENT_CA_FILE: clientCaFile } = values;
  const bySubject = (subject: string | undefined) =>
    ({ kind: "client-certificate", subject: subject ?? "" }) as const;
  return {
    auth: Object.freeze(
      values.AUTH === "arm"
        ? { kind: "arm", metadataUrl: values.ARM_METADATA_URL }
        : values.AUTH === "none"
          ? { kind: "none" }
          : bySubject(values.CLIENT_SUBJECT),
    ),
    adminAuth: Object.freeze(
      values.ADMIN_AUTH === "none" ? { kind: "none" } : bySubject(values.ADMIN_CLIENT_SUBJECT),
    ),
    ...(certFile === undefined || keyFile === undefined
      ? {}
      : {
          tls: Object.freeze({
            certFile,
            keyFile,
            ...(clientCaFile === undefined ? {} : { clientCaFile }),
          }),
        }),
  };
}

/** The zone's name is the clusters' parent domain. */
function azureInstallerOf(
  values: z.output<typeof schema>,
): Partial<Pick<Config, "azureInstaller" | "domain">> {
  const { AZURE_DNS_ZONE_ID: dnsZone, OPENSHIFT_INSTALL: installProgram } = values;
  if (dnsZone === undefined || installProgram === undefined) return {};
  return {
    domain: dnsZone.name,
    azureInstaller: Object.freeze({
      dnsZone,
      installProgram,
      endpoints: Object.freeze({
        resourceManager: values.AZURE_RESOURCE_MANAGER_URL,
        authorityHost: values.AZURE_AUTHORITY_HOST,
      }),
      pollMs: values.AZURE_POLL_SECONDS,
    }),
  };
}

function tracesOf(values: z.output<typeof schema>): Pick<Config, "traces"> {
  const url = tracesUrl(
    values.OTEL_EXPORTER_OTLP_ENDPOINT,
    values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
  );
  if (url === undefined) return {};
  const headers = values.OTEL_EXPORTER_OTLP_HEADERS ?? {};
  const traces: TraceSettings = {
    url,
    headers: () => headers,
    timeoutMs: values.OTEL_EXPORTER_OTLP_TIMEOUT,
    serviceName: values.OTEL_SERVICE_NAME,
    resourceAttributes: values.OTEL_RESOURCE_ATTRIBUTES ?? {},
    sampler: values.OTEL_TRACES_SAMPLER,
    samplerRatio: values.OTEL_TRACES_SAMPLER_ARG,
  };
  return { traces: Object.freeze(traces) };
}

/** Which engines are meant, whether or not that is said rightly. */
interface EnginesReading {
  readonly isAzure: boolean;
  /** Only without faults. */
  readonly azure?: AzureEngines;
  readonly faults: readonly ConfigFault[];
}

function readEngines(given: Environment): EnginesReading {
  const cosmos = readCosmosSettings(given);
  const storageQueue = readStorageQueueSettings(given);
  const isMeant = (reading: typeof cosmos | typeof storageQueue): boolean =>
    reading.settings !== undefined || reading.faults.length > 0;
  const faults: ConfigFault[] = [...cosmos.faults, ...storageQueue.faults];
  const half =
    "must be set too: Cosmos DB and Azure Storage Queue are used together, or neither of them";
  if (isMeant(cosmos) && !isMeant(storageQueue)) {
    faults.push({ variable: "STORAGE_ACCOUNT", message: `or STORAGE_QUEUE_ENDPOINT ${half}` });
  }
  if (isMeant(storageQueue) && !isMeant(cosmos)) {
    faults.push({ variable: "COSMOSDB_ACCOUNT", message: `or COSMOSDB_ENDPOINT ${half}` });
  }
  const isAzure = isMeant(cosmos) || isMeant(storageQueue);
  if (cosmos.settings === undefined || storageQueue.settings === undefined || faults.length > 0) {
    return { isAzure, faults };
  }
  const azure = Object.freeze({ cosmos: cosmos.settings, storageQueue: storageQueue.settings });
  return { isAzure, azure, faults };
}

/** Processes on many machines can't share a key that one of them makes. */
function readSealing(
  given: Environment,
  { isAzure }: EnginesReading,
): { readonly settings?: SealingSettings; readonly faults: readonly ConfigFault[] } {
  const { settings, faults } = readSealingSettings(given);
  if (settings !== undefined) return { settings: Object.freeze(settings), faults };
  if (!isAzure || faults.length > 0) return { faults };
  const message =
    "or SEALING_KEY_FILE must be set: the Azure engines make no key of their own to seal secrets by";
  return { faults: [{ variable: "SEALING_KEY_VAULT", message }] };
}

/** One variable as documented. */
export interface SettingDescription {
  readonly variable: string;
  /** Empty when there is none. */
  readonly defaultText: string;
  readonly meaning: string;
}

/** All variables, in the order of the documentation. */
export function describeSettings(): readonly SettingDescription[] {
  return Object.entries(schema.shape).map(([variable, setting]) => ({
    variable,
    defaultText: "defaultValue" in setting.def ? String(setting.def.defaultValue) : "",
    meaning: setting.description ?? "",
  }));
}

/** The table of settings in README.md. */
export function settingsTable(): string {
  const rows = describeSettings().map(
    ({ variable, defaultText, meaning }) =>
      `| \`${variable}\` | ${defaultText === "" ? "none" : `\`${defaultText}\``} | ${meaning} |`,
  );
  return ["| variable | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

/** The text of `env.example`: every variable at its default, commented out. */
export function environmentExample(): string {
  const head = [
    "# Every setting with its default; of those that have another with the Azure engines, that of the embedded one. An empty value",
    "# counts as absent.",
    "# Use: copy to .env, edit, then: node_modules/.bin/node --env-file=.env src/main.ts",
  ];
  const blocks = describeSettings().map(
    ({ variable, defaultText, meaning }) => `\n# ${meaning}\n#${variable}=${defaultText}`,
  );
  return `${[...head, ...blocks].join("\n")}\n`;
}
