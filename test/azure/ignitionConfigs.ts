/**
 * The ignition configs of a cluster, and the bootstrap machine's read again: what the machines of a cluster know about it.
 * It must never put anything into a machine's config that is not in the program's folder.
 */
import { z } from "zod";

/** Where the bootstrap machine keeps the authority that administrators' certificates are checked against. */
const adminAuthorityPath = "/opt/openshift/tls/admin-kubeconfig-ca-bundle.crt";

/** The `data:` URL of a file's text. */
function dataUrl(text: string): string {
  return `data:text/plain;charset=utf-8;base64,${Buffer.from(text).toString("base64")}`;
}

/**
 * `master.ign` or `worker.ign`: it sends the machine to the cluster's machine config server.
 *
 * @param options.authority PEM of whom the machine trusts there.
 */
export function machineIgnition(
  role: "master" | "worker",
  options: { readonly clusterDomain: string; readonly authority: string },
): string {
  const source = `https://api-int.${options.clusterDomain}:22623/config/${role}`;
  return JSON.stringify({
    ignition: {
      config: { merge: [{ source }] },
      security: { tls: { certificateAuthorities: [{ source: dataUrl(options.authority) }] } },
      version: "3.2.0",
    },
  });
}

/**
 * `bootstrap.ign`: the whole cluster as it begins.
 *
 * @param options.manifests by their path, `manifests/…` or `openshift/…`.
 * @param options.adminAuthority PEM.
 */
export function bootstrapIgnition(options: {
  readonly manifests: ReadonlyMap<string, string>;
  readonly adminAuthority: string;
  readonly kubeconfig: string;
  readonly sshKey: string;
}): string {
  const files = new Map([
    ...[...options.manifests].map(([path, text]) => [`/opt/openshift/${path}`, text] as const),
    ["/opt/openshift/auth/kubeconfig", options.kubeconfig],
    [adminAuthorityPath, options.adminAuthority],
  ]);
  return JSON.stringify({
    ignition: { version: "3.2.0" },
    passwd: { users: [{ name: "core", sshAuthorizedKeys: [options.sshKey] }] },
    storage: {
      files: [...files].map(([path, text]) => ({
        overwrite: true,
        path,
        user: { name: "root" },
        contents: { source: dataUrl(text) },
        mode: 0o600,
      })),
    },
  });
}

/** What a bootstrap machine finds in its config. */
export interface BootstrapContents {
  /** By their path, `manifests/…` or `openshift/…`. */
  readonly manifests: ReadonlyMap<string, string>;
  /** PEM; absent when the config has none, so that nobody is let in. */
  readonly adminAuthority?: string;
}

const bootstrap = z.object({
  ignition: z.object({ version: z.string().startsWith("3.") }),
  storage: z.object({
    files: z.array(z.object({ path: z.string(), contents: z.object({ source: z.string() }) })),
  }),
});

/** @throws if the text is no ignition config with files. */
export function readBootstrapIgnition(text: string): BootstrapContents {
  const { storage } = bootstrap.parse(JSON.parse(text));
  const files = new Map(
    storage.files.map(({ path, contents: { source } }) => [
      path,
      Buffer.from(source.slice(source.indexOf(",") + 1), "base64").toString("utf8"),
    ]),
  );
  const adminAuthority = files.get(adminAuthorityPath);
  const manifests = new Map<string, string>();
  for (const [path, content] of files) {
    const name = /^\/opt\/openshift\/((?:manifests|openshift)\/[^/]+)$/.exec(path)?.[1];
    if (name !== undefined) manifests.set(name, content);
  }
  return { manifests, ...(adminAuthority === undefined ? {} : { adminAuthority }) };
}

const short = z.object({
  ignition: z.object({
    version: z.string().startsWith("3."),
    config: z.object({
      replace: z.object({ source: z.url() }).optional(),
      merge: z.array(z.object({ source: z.url() })).optional(),
    }),
  }),
});

/**
 * Where a machine that begins with this config finds the rest of it.
 *
 * @param customData base64, as a virtual machine has it.
 * @returns nothing when that is no config, or names no other.
 */
export function furtherConfig(
  customData: unknown,
): { readonly how: "replace" | "merge"; readonly source: string } | undefined {
  if (typeof customData !== "string") return undefined;
  let data: unknown;
  try {
    data = JSON.parse(Buffer.from(customData, "base64").toString("utf8"));
  } catch {
    return undefined;
  }
  const config = short.safeParse(data).data?.ignition.config;
  if (config?.replace !== undefined) return { how: "replace", source: config.replace.source };
  const source = config?.merge?.[0]?.source;
  return source === undefined ? undefined : { how: "merge", source };
}
