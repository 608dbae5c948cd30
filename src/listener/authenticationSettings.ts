/**
 * The settings of who may call: checks together what the environment says of a listener's address, its authenticator and the
 * files of TLS. It must never read the environment or a file itself, nor show the value of a setting.
 */
import { isIPv4 } from "node:net";

/** How the frontend recognises its callers. */
export type FrontendAuth = (typeof frontendAuths)[number];
export const frontendAuths = ["none", "client-certificate", "arm"] as const;

/** How the operator's listener does: ARM is no operator. */
export type AdminAuth = (typeof adminAuths)[number];
export const adminAuths = ["none", "client-certificate"] as const;

/** Who may call a listener. */
export type ListenerAuth =
  | { readonly kind: "none" }
  | { readonly kind: "client-certificate"; readonly subject: string }
  | { readonly kind: "arm"; readonly metadataUrl: string };

/** Paths, and in messages the settings that they come from. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Absent: nothing is said of the chain of a caller's certificate. */
  readonly clientCaFile?: string;
}

/** Where ARM publishes its client certificates: that of Azure's public cloud. */
export const armMetadataUrl =
  "https://management.azure.com:24582/metadata/authentication?api-version=2015-01-01";

/** The settings, each checked on its own. */
export interface AuthenticationValues {
  readonly HOST: string;
  readonly ADMIN_HOST: string;
  readonly AUTH: FrontendAuth;
  readonly ADMIN_AUTH: AdminAuth;
  readonly TLS_CERT_FILE?: string | undefined;
  readonly TLS_KEY_FILE?: string | undefined;
  readonly CLIENT_CA_FILE?: string | undefined;
  readonly CLIENT_SUBJECT?: string | undefined;
  readonly ADMIN_CLIENT_SUBJECT?: string | undefined;
  readonly ARM_METADATA_URL: string;
}

/** One thing that is wrong with them together. */
export interface AuthenticationFault {
  readonly variable: keyof AuthenticationValues;
  readonly message: string;
}

/** Everything that is wrong with them together: what one of them demands and what none of them uses. */
export function authenticationFaults(values: AuthenticationValues): AuthenticationFault[] {
  const faults: AuthenticationFault[] = [];
  const { AUTH, ADMIN_AUTH } = values;
  for (const [host, auth] of [
    ["HOST", "AUTH"],
    ["ADMIN_HOST", "ADMIN_AUTH"],
  ] as const) {
    if (values[auth] !== "none" || isLoopbackName(values[host])) continue;
    faults.push({
      variable: host,
      message:
        `must be a loopback address (127.0.0.1, ::1 or localhost) while ${auth} is none: callers are not ` +
        "authenticated, so elsewhere whoever reaches the machine could do anything",
    });
  }
  const byCertificate = [
    ...(AUTH === "client-certificate" ? [`AUTH=${AUTH}`] : []),
    ...(ADMIN_AUTH === "client-certificate" ? [`ADMIN_AUTH=${ADMIN_AUTH}`] : []),
  ];
  const byTls = [...(AUTH === "arm" ? ["AUTH=arm"] : []), ...byCertificate];
  const users: readonly (readonly [
    Exclude<keyof AuthenticationValues, "HOST">,
    readonly string[],
  ])[] = [
    ["TLS_CERT_FILE", byTls],
    ["TLS_KEY_FILE", byTls],
    ["CLIENT_CA_FILE", byCertificate],
    ["CLIENT_SUBJECT", byCertificate.filter((user) => user.startsWith("AUTH="))],
    ["ADMIN_CLIENT_SUBJECT", byCertificate.filter((user) => user.startsWith("ADMIN_AUTH="))],
  ];
  for (const [variable, [user]] of users) {
    const isSet = values[variable] !== undefined;
    if (user !== undefined && !isSet) {
      faults.push({ variable, message: `must be set with ${user}` });
    }
    if (user === undefined && isSet) {
      faults.push({
        variable,
        message: "must not be set: nothing uses it, so AUTH may be forgotten",
      });
    }
  }
  if (AUTH !== "arm" && values.ARM_METADATA_URL !== armMetadataUrl) {
    faults.push({
      variable: "ARM_METADATA_URL",
      message: "must not be set: only AUTH=arm uses it",
    });
  }
  return faults;
}

/**
 * Whether a URL may say whom to let in: over HTTPS, as its answer is believed; without it only from this machine, for tests.
 */
export function isMetadataUrl(text: string): boolean {
  const { protocol, hostname, username, password, hash } = URL.parse(text) ?? {};
  if (username !== "" || password !== "" || hash !== "" || hostname === undefined) return false;
  return protocol === "https:" || (protocol === "http:" && isLoopbackName(hostname));
}

/**
 * Whether a name or address in a setting or a URL is to be this machine's own. Where a name leads to, a name server may say; so
 * whoever listens on one looks at the address as well.
 */
export function isLoopbackName(name: string): boolean {
  const host = name.toLowerCase().replace(/\.$/, "");
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    isLoopbackAddress(host)
  );
}

/** Whether an address, as a socket has it, is reached from this machine alone. */
export function isLoopbackAddress(address: string): boolean {
  const host = address.toLowerCase().replace(/^::ffff:/, "");
  return host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
