/** Which quotas of a region don't suffice, by what Azure counts as used there. Pure. */
import { z } from "zod";
import { TransientError } from "../../../model/rpError.ts";
import type { NeededCores } from "./machineOffers.ts";

const usageForm = z.object({
  name: z.object({ value: z.string().optional(), localizedValue: z.string().optional() }),
  currentValue: z.number(),
  /** Below 0: none. */
  limit: z.number(),
});

/** As Azure's usages of compute and network say alike. */
export type QuotaUsage = z.infer<typeof usageForm>;

export interface LackingQuota {
  /** As the portal shows it. */
  readonly name: string;
  readonly needed: number;
  readonly left: number;
  readonly limit: number;
}

/** How much of each quota is needed, by its name. */
export type NeededQuotas = Readonly<Record<string, number>>;

/** Cores of each family, and of all; and the machines themselves. */
export function neededCompute(cores: readonly NeededCores[], machines: number): NeededQuotas {
  const needed: Record<string, number> = { cores: 0, virtualMachines: machines };
  for (const { family, cores: count } of cores) {
    needed["cores"] = (needed["cores"] ?? 0) + count;
    if (family !== undefined) needed[family] = (needed[family] ?? 0) + count;
  }
  return needed;
}

/**
 * A quota that Azure doesn't list is none.
 *
 * @param listed as Azure gave them: the SDK's types promise more than it looks after.
 * @throws {TransientError} when one of them can't be read: of what is used nothing may be guessed.
 */
export function lackingQuotas(
  needed: NeededQuotas,
  listed: readonly unknown[],
): readonly LackingQuota[] {
  const { data: usages } = z.array(usageForm).safeParse(listed);
  if (usages === undefined) {
    throw new TransientError("Azure gave quotas of the subscription that can't be read.");
  }
  return Object.entries(needed).flatMap(([name, count]) => {
    const usage = usages.find(({ name: { value } }) => value?.toLowerCase() === name.toLowerCase());
    if (usage === undefined || usage.limit < 0) return [];
    const left = Math.max(0, usage.limit - usage.currentValue);
    if (left >= count) return [];
    const { limit } = usage;
    return [{ name: usage.name.localizedValue ?? name, needed: count, left, limit }];
  });
}
