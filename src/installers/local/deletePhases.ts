/**
 * The steps of a delete. Each removes what is noted of its kind and takes no time if nothing is, so a delete works whatever a
 * create has come to; the last also removes what a newer release has noted.
 */
import type { Phase, Step } from "../installer.ts";
import type { LocalEffects } from "./localEffects.ts";
import { withNotes } from "./localNotes.ts";
import { hasResource, withoutResources } from "./resources.ts";
import { timedStep } from "./timedStep.ts";

const storage = ["storageAccount", "image", "ignition"];

export function deletePhases({ installMs, clock }: LocalEffects): readonly Phase[] {
  const removing = (options: {
    readonly name: string;
    /** Of a create's time. */
    readonly share: number;
    readonly isMeant: (role: string) => boolean;
  }): Step => {
    const { name, share, isMeant } = options;
    return timedStep({
      name,
      clock,
      durationMs: (snapshot) => (hasResource(snapshot, isMeant) ? installMs * share : 0),
      durationMaxMs: installMs,
      end: (snapshot) => ({
        installation: withNotes(snapshot, withoutResources(snapshot, isMeant)),
      }),
    });
  };
  return [
    {
      name: "DeleteCluster",
      steps: [
        // first, so that the name never leads to an address that somebody else has got meanwhile
        removing({ name: "DeleteApiRecord", share: 0, isMeant: (role) => role === "apiRecord" }),
        removing({
          name: "DeleteResources",
          share: 0.15,
          isMeant: (role) => !storage.includes(role),
        }),
        removing({ name: "DeleteStorage", share: 0.05, isMeant: () => true }),
      ],
    },
  ];
}
