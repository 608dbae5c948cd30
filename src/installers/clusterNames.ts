/**
 * What a cluster's things are called outside. Every name carries a mark of the incarnation, so that two clusters never
 * share one, whatever their groups and subscriptions, nor does a re-created cluster meet what its predecessor left. Only a
 * domain that was asked for is taken as it is. All installers name alike. Pure; it must never give a name that DNS or a URL parser refuses.
 */
import { createHash } from "node:crypto";

export interface ClusterNames {
  /** Prefix of all cloud resources; at most 27 characters, as some of them allow no more behind it. */
  readonly infraId: string;
  /** The cluster's own DNS domain; `api.` and `apps.` are in it. */
  readonly clusterDomain: string;
  /** Lower-case letters and digits only, at most 24. */
  readonly storageAccount: string;
}

const infraNameLengthMax = 18;
const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * @param options.name a DNS label of at most 54 characters.
 * @param options.domain the parent domain of all clusters' domains, of at most 158 characters: the longest host,
 * `console-openshift-console.apps.…`, then has DNS's 253.
 * @param options.askedDomain the cluster's own: a label below `domain`, or a full name of at most 222 characters.
 */
export function clusterNames(options: {
  readonly name: string;
  readonly incarnationId: string;
  readonly domain: string;
  readonly askedDomain?: string | undefined;
}): ClusterNames {
  const mark = incarnationMark(options.incarnationId);
  // a label that begins with `xn--` is Punycode, and many clients refuse a host whose Punycode is false
  const name = options.name.toLowerCase().replace(/^xn--/, "xn-");
  return {
    infraId: `${name.slice(0, infraNameLengthMax).replace(/-+$/, "")}-${mark}`,
    clusterDomain: clusterDomain(options.askedDomain ?? `${name}-${mark}`, options.domain),
    storageAccount: `cluster${mark}`,
  };
}

function clusterDomain(name: string, parent: string): string {
  return (name.includes(".") ? name : `${name}.${parent}`).toLowerCase();
}

/** As kubectl knows it. */
export function apiServer(names: ClusterNames): string {
  return `https://${apiHost(names)}:6443`;
}

export function apiHost(names: Pick<ClusterNames, "clusterDomain">): string {
  return `api.${names.clusterDomain}`;
}

/** The URL that the resource shows. */
export function apiserverUrl(names: ClusterNames): string {
  return `${apiServer(names)}/`;
}

/** The URL that the resource shows. */
export function consoleUrl(names: Pick<ClusterNames, "clusterDomain">): string {
  return `https://console-openshift-console.apps.${names.clusterDomain}/`;
}

/**
 * The mark that names carry: 40 bits as 8 characters: with a name of 54 characters and a dash they fill a DNS label of 63. A digest, as nobody promises
 * that the beginnings of ids differ.
 */
export function incarnationMark(incarnationId: string): string {
  const bits = createHash("sha256").update(incarnationId).digest().readUIntBE(0, 5);
  return Array.from({ length: 8 }, (_, place) => base32[Math.floor(bits / 32 ** place) % 32]).join(
    "",
  );
}
