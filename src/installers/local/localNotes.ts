/**
 * What the local installer remembers of a cluster between its steps, under one member of the document's notes. Members
 * of a newer release stay. It must never hold a secret: notes are stored in clear.
 */
import type { InstallationState } from "../../model/document.ts";
import type { InstallationSnapshot } from "../installer.ts";
import type { ClusterNames } from "../clusterNames.ts";

export interface LocalNotes {
  /** Kept from the first step on, so that another DOMAIN doesn't rename a cluster that exists. */
  readonly names?: ClusterNames;
  /** Everything that may exist outside, by role: noted before it is made, forgotten after it is gone. */
  readonly resources?: Readonly<Record<string, string>>;
  /** One line, as for `authorized_keys`. */
  readonly sshPublicKey?: string;
  /** PEM. */
  readonly certificateAuthority?: string;
  /** The machines of each worker profile as last set outside. */
  readonly workers?: Readonly<Record<string, number>>;
  readonly scaling?: Scaling;
}

/** The worker profiles that an update has to change. */
export interface Scaling {
  readonly operationId: string;
  readonly profiles: readonly string[];
}

/** The notes as of the last save. */
export function readNotes(snapshot: InstallationSnapshot): LocalNotes {
  return (snapshot.installation["local"] as LocalNotes | undefined) ?? {};
}

/** The notes with some changed, in the form to save. */
export function withNotes(snapshot: InstallationSnapshot, changed: LocalNotes): InstallationState {
  return { local: { ...readNotes(snapshot), ...changed } };
}
