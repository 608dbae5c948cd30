/** What the steps of the local installer are given: its settings, time and chance. */
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/ids.ts";

export interface LocalEffects {
  /** Parent domain of the domains of all clusters that don't ask for a full one. */
  readonly domain: string;
  /** How long a create takes in total; 0: as fast as it can. Updates and deletes take a part of it. */
  readonly installMs: number;
  /** The name of a step that fails for good, in whatever operation has it: to see what becomes of a cluster then. */
  readonly failingStep?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}
