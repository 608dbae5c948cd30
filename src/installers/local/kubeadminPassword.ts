/**
 * The password of a cluster's `kubeadmin` user, in the form of OpenShift's installer: four times five characters, none of
 * which is easily taken for another. It must be drawn from a generator fit for secrets.
 */
import type { Random } from "../../runtime/ids.ts";

/** Without l, O, 0 and 1. */
const alphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ23456789";

/** 117 bits of chance. */
export function kubeadminPassword(random: Random): string {
  const character = (): string => alphabet.charAt(random.integer(alphabet.length));
  const group = (): string => Array.from({ length: 5 }, character).join("");
  return Array.from({ length: 4 }, group).join("-");
}
