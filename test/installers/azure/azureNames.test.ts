/** Names that are chosen first: `openshift-install` has to take the domain for a cluster's. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { chooseNames } from "../../../src/installers/azure/azureNames.ts";
import { azureSnapshot, dnsZone } from "./azureSnapshot.ts";

const clusterName = fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9]{0,52}[A-Za-z0-9])?$/);

it("chooses a domain whose first part openshift-install takes, for every name of a cluster", () => {
  fc.assert(
    fc.property(clusterName, fc.uuid(), (name, incarnationId) => {
      const snapshot = azureSnapshot({ name, incarnationId });
      const { clusterDomain, label, mark } = chooseNames(snapshot, dnsZone);
      expect(clusterDomain).toBe(`${label}.${dnsZone.name}`);
      expect(label).toMatch(/^[a-z]([-a-z0-9]{0,52}[a-z0-9])?$/);
      expect(label).toMatch(new RegExp(`[a-z0-9]-${mark}$`));
    }),
  );
});
