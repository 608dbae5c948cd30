/**
 * What `openshift-install` made for a cluster, read from its files. None is trusted to exist or to hold what it should. An error
 * names the file and never quotes it, since most of them are secrets. Pure.
 */
import { z } from "zod";
import { TransientError } from "../../../model/rpError.ts";
import type { AssetFiles } from "./assetArchive.ts";
import { originForm, originPath, type AssetsOrigin } from "./assetsOrigin.ts";

/** Of one cluster. All but the first two are secrets. */
export interface ClusterAssets {
  /** The prefix of what is made for it. */
  readonly infraId: string;
  /** Of the image of the machines' operating system, a VHD in a storage account that anybody may read. */
  readonly imageUrl: string;
  /** What the bootstrap machine begins with; JSON of Ignition. */
  readonly bootstrapIgnition: string;
  /** What machines of the control plane begin with; JSON of Ignition. */
  readonly masterIgnition: string;
  /** YAML; opens the cluster for an administrator. */
  readonly adminKubeconfig: string;
  readonly kubeadminPassword: string;
  /** Absent in what an earlier release has kept. */
  readonly origin?: AssetsOrigin;
  /** All files, these too. */
  readonly files: AssetFiles;
}

/** Where it keeps what, in its folder. */
const paths = {
  metadata: "metadata.json",
  bootstrapIgnition: "bootstrap.ign",
  masterIgnition: "master.ign",
  adminKubeconfig: "auth/kubeconfig",
  kubeadminPassword: "auth/kubeadmin-password",
  /** Not a file of its own: what it prints about images, kept with the rest. */
  imageStream: "coreos-stream.json",
} as const;

/** Under which what the program prints about images is kept with its files. */
export const imageStreamPath = paths.imageStream;

const fileBytesMax = 32 * 1024 * 1024;
/** Machines get it as custom data, for which Azure allows 64 KiB in base64. */
const masterIgnitionBytesMax = 48 * 1024;
const passwordLengthMax = 256;

/** Azure's names are this, with what follows them, at most 27 characters. */
const infraIdForm = /^[a-z]([-a-z0-9]{0,25}[a-z0-9])?$/;

const metadataForm = z.object({ infraID: z.string().regex(infraIdForm) });
const ignitionForm = z.object({ ignition: z.object({ version: z.string().min(1) }) });
const streamForm = z.object({
  architectures: z.object({
    x86_64: z.object({
      "rhel-coreos-extensions": z.object({
        "azure-disk": z.object({
          url: z
            .url({ protocol: /^https$/ })
            .refine((url) => /\.vhd$/i.test(new URL(url).pathname)),
        }),
      }),
    }),
  }),
});

/** A file is missing, or holds something else than it must. */
export class AssetsDamagedError extends TransientError {
  override readonly name = "AssetsDamagedError";
}

/** @throws {AssetsDamagedError} */
export function clusterAssets(files: AssetFiles): ClusterAssets {
  return {
    infraId: jsonFile(files, paths.metadata, metadataForm).infraID,
    imageUrl: imageUrlOf(textFile(files, paths.imageStream)),
    bootstrapIgnition: ignition(files, paths.bootstrapIgnition, fileBytesMax),
    masterIgnition: ignition(files, paths.masterIgnition, masterIgnitionBytesMax),
    adminKubeconfig: textFile(files, paths.adminKubeconfig),
    kubeadminPassword: password(files),
    ...(files.has(originPath) ? { origin: jsonFile(files, originPath, originForm) } : {}),
    files,
  };
}

/**
 * The image for machines in Azure from what `openshift-install coreos print-stream-json` prints.
 *
 * @throws {AssetsDamagedError}
 */
export function imageUrlOf(stream: string): string {
  const read = streamForm.safeParse(jsonOf(stream, "coreos print-stream-json"));
  if (!read.success) {
    throw new AssetsDamagedError("openshift-install names no image for x86_64 machines in Azure");
  }
  return read.data.architectures.x86_64["rhel-coreos-extensions"]["azure-disk"].url;
}

/** Whether it can be the prefix of names. */
export function isInfraId(text: unknown): text is string {
  return typeof text === "string" && infraIdForm.test(text);
}

function password(files: AssetFiles): string {
  const text = textFile(files, paths.kubeadminPassword).trim();
  if (text.length === 0 || text.length > passwordLengthMax) {
    throw new AssetsDamagedError(`${paths.kubeadminPassword} holds no password`);
  }
  return text;
}

function ignition(files: AssetFiles, path: string, bytesMax: number): string {
  jsonFile(files, path, ignitionForm, bytesMax);
  return textFile(files, path);
}

function jsonFile<Form extends z.ZodType>(
  files: AssetFiles,
  path: string,
  form: Form,
  bytesMax?: number,
): z.infer<Form> {
  const read = form.safeParse(jsonOf(textFile(files, path, bytesMax), path));
  if (!read.success) throw new AssetsDamagedError(`${path} does not hold what it must`);
  return read.data;
}

/** The parser's own errors quote what they read. */
function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AssetsDamagedError(`${what} is no JSON`);
  }
}

function textFile(files: AssetFiles, path: string, bytesMax = fileBytesMax): string {
  const bytes = files.get(path);
  if (bytes === undefined || bytes.length === 0) {
    throw new AssetsDamagedError(`openshift-install did not write ${path}`);
  }
  if (bytes.length > bytesMax) {
    throw new AssetsDamagedError(`${path} has ${bytes.length} bytes, more than ${bytesMax}`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new AssetsDamagedError(`${path} is no text`);
  }
}
