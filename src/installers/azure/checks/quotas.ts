/** Which quotas of a region don't suffice, by what Azure counts as used there. Pure. */
import type { NeededCores } from "./machineOffers.ts";

/** As Azure's usages of compute and network say alike. */
export interface QuotaUsage {
  readonly name: { readonly value?: string; readonly localizedValue?: string };
  readonly currentValue: number;
  /** Below 0: none. */
  readonly limit: number;
}

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

/** A quota that Azure doesn't list is none. */
export function lackingQuotas(
  needed: NeededQuotas,
  usages: readonly QuotaUsage[],
): readonly LackingQuota[] {
  return Object.entries(needed).flatMap(([name, count]) => {
    const usage = usages.find(({ name: { value } }) => value?.toLowerCase() === name.toLowerCase());
    if (usage === undefined || usage.limit < 0) return [];
    const left = Math.max(0, usage.limit - usage.currentValue);
    if (left >= count) return [];
    const { limit } = usage;
    return [{ name: usage.name.localizedValue ?? name, needed: count, left, limit }];
  });
}
