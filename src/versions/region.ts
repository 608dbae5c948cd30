/** Names of Azure regions, which callers spell in several ways: `westus`, `West US`, `West us` (ARM-36). */

/** The one spelling by which regions are compared. */
export function regionKey(location: string): string {
  return location.replaceAll(/\s/g, "").toLowerCase();
}
