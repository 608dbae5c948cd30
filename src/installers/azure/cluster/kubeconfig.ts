/**
 * Reads of a kubeconfig how to reach a cluster and as whom. It takes only what the text itself holds: whatever would run a program,
 * open a file, call another service or leave out a check is refused, even from a kubeconfig that we have stored ourselves. It must
 * never show a piece of one, nor do anything but read. Pure.
 */
import { parse } from "yaml";
import { z } from "zod";
import { TransientError } from "../../../model/rpError.ts";
import { shown } from "../../../model/shownText.ts";

/** The way to one API server, and who comes. */
export interface ClusterAccess {
  /** An `https:` URL without user, query and slash at its end. */
  readonly server: string;
  /** PEM; absent: those that this machine trusts. */
  readonly certificateAuthority?: string;
  /** What the server's certificate must be for; absent: the host of the URL. */
  readonly serverName?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  readonly token?: string;
}

/** The kubeconfig can't be used; the message says why, without any value of it. */
export class KubeconfigError extends TransientError {
  override readonly name = "KubeconfigError";
}

/** Many times what `openshift-install` writes, with several authorities in it. */
const lengthMax = 512 * 1024;

/** Members that mean something harmless or nothing to a program; every other is refused. */
const clusterMembers = ["server", "certificate-authority-data", "tls-server-name"];
const userMembers = ["client-certificate-data", "client-key-data", "token"];

const named = z.array(z.looseObject({ name: z.string() })).max(100);
const fileForm = z.looseObject({
  "current-context": z.string(),
  contexts: named,
  clusters: named,
  users: named,
});
const contextForm = z.looseObject({ cluster: z.string(), user: z.string() });
const pem = z
  .base64()
  .transform((text) => Buffer.from(text, "base64").toString("utf8"))
  .refine((text) => text.includes("-----BEGIN "));
const hostForm = z.string().regex(/^[a-zA-Z0-9.-]{1,253}$/);
const clusterForm = z.object({
  server: z.string(),
  "certificate-authority-data": pem.optional(),
  "tls-server-name": hostForm.optional(),
});
const userForm = z.object({
  "client-certificate-data": pem.optional(),
  "client-key-data": pem.optional(),
  // what a header can carry
  token: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .optional(),
});

/** @throws {KubeconfigError} */
export function readKubeconfig(text: string): ClusterAccess {
  const file = read(fileForm, parsed(text), "is no kubeconfig with a current context");
  const context = read(
    contextForm,
    one(file.contexts, file["current-context"], "context"),
    "has a context without cluster and user",
  );
  const cluster = read(
    clusterForm,
    only(clusterMembers, one(file.clusters, context.cluster, "cluster"), "cluster"),
    "has a cluster with unreadable values",
  );
  const user = read(
    userForm,
    only(userMembers, one(file.users, context.user, "user"), "user"),
    "has a user with unreadable values",
  );
  const { "client-certificate-data": certificate, "client-key-data": key, token } = user;
  if ((certificate === undefined) !== (key === undefined)) {
    throw refused("has a client certificate without its key, or the reverse");
  }
  if (certificate === undefined && token === undefined) {
    throw refused("has a user without client certificate and token");
  }
  const { "certificate-authority-data": authority, "tls-server-name": serverName } = cluster;
  return {
    server: serverOf(cluster.server),
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { clientCertificate: { certificate, key } }),
    ...(token === undefined ? {} : { token }),
  };
}

function parsed(text: string): unknown {
  if (text.length > lengthMax) throw refused(`has more than ${lengthMax} characters`);
  try {
    return parse(text, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    // the parser's own words quote its input
    throw refused("is not YAML");
  }
}

/** The content of the item of that name, under `kind`. */
function one(
  items: readonly { readonly name: string; readonly [member: string]: unknown }[],
  name: string,
  kind: "context" | "cluster" | "user",
): unknown {
  const [item, ...more] = items.filter((each) => each.name === name);
  if (item === undefined) throw refused(`names a ${kind} that isn't in it`);
  if (more.length > 0) throw refused(`has two ${kind}s of one name`);
  return item[kind];
}

/** Refuses members that aren't among these. Those that are set to nothing count as absent. */
function only(members: readonly string[], value: unknown, kind: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const set = Object.entries(value).filter(([, content]) => content !== null && content !== "");
  for (const [name] of set) {
    if (!members.includes(name)) {
      throw refused(`has a ${kind} with '${shown(name)}', which is not accepted`);
    }
  }
  return Object.fromEntries(set);
}

function serverOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "https:") throw refused("has a server without https URL");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw refused("has a server whose URL holds more than host and path");
  }
  return url.href.replace(/\/+$/, "");
}

function read<Form extends z.ZodType>(form: Form, value: unknown, fault: string): z.infer<Form> {
  const result = form.safeParse(value);
  // its issues may repeat values
  if (!result.success) throw refused(fault);
  return result.data;
}

function refused(fault: string): KubeconfigError {
  return new KubeconfigError(`The kubeconfig of the cluster ${fault}.`);
}
