/** How names in Azure are compared. Pure. */

/** Whether two ARM ids, or names, mean the same: their case doesn't count. What is no text means nothing. */
export function isSameName(one: unknown, other: unknown): boolean {
  return (
    typeof one === "string" &&
    typeof other === "string" &&
    one.toLowerCase() === other.toLowerCase()
  );
}
