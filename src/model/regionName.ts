/** Names of Azure regions, which are written in several ways: `westus`, `West US`, `West us` (ARM-36). Pure. */

/** The one spelling by which regions are compared, and in which Azure's own services name them. */
export function regionName(location: string): string {
  return location.replaceAll(/\s/g, "").toLowerCase();
}
