/** The manifests of the cluster, filled in by the script that a deployment uses, with the values of an evaluated template. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

/** A manifest; what is in it differs from kind to kind. */
export interface Manifest extends Readonly<Record<string, unknown>> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

export const image = `registry.azurecr.io/openshift-rp@sha256:${"0123456789abcdef".repeat(4)}`;

/** What a deployment hands to the script, beside the image and the outputs of the template. */
export const givenValues: Readonly<Record<string, string>> = {
  IMAGE: image,
  LOCATION: "eastus",
  COSMOSDB_ACCOUNT: "openshiftrp-0123456789abc",
  STORAGE_ACCOUNT: "openshiftrp0123456789abc",
  SEALING_KEY_VAULT: "openshiftrp0123456789abc",
  FRONTEND_CLIENT_ID: "00000000-0000-4000-8000-00000000000a",
  FORWARDER_CLIENT_ID: "00000000-0000-4000-8000-00000000000b",
  BACKEND_CLIENT_ID: "00000000-0000-4000-8000-00000000000c",
  SCALER_CLIENT_ID: "00000000-0000-4000-8000-00000000000d",
};

/** Runs the script with these values and no others. */
export function fillIn(values: Readonly<Record<string, string>>): {
  readonly status: number | null;
  readonly text: string;
  readonly errors: string;
} {
  const script = fileURLToPath(new URL("../../deploy/kubernetes.sh", import.meta.url));
  const { status, stdout, stderr } = spawnSync("sh", [script], {
    env: { PATH: process.env["PATH"], ...values },
    encoding: "utf8",
  });
  return { status, text: stdout, errors: stderr };
}

/** @throws {Error} when the script or the reader of YAML finds a fault. */
export function manifests(values = givenValues): readonly Manifest[] {
  const { status, text, errors } = fillIn(values);
  if (status !== 0) throw new Error(errors);
  const documents = parseAllDocuments(text, { strict: true, uniqueKeys: true });
  if (!Array.isArray(documents)) throw new Error("no documents");
  return documents.map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join("\n"));
    return document.toJS() as Manifest;
  });
}
