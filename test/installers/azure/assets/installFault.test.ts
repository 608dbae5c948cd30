/** What is told of a failed program: names of settings, never a value. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { installFault } from "../../../../src/installers/azure/assets/installFault.ts";

it("names the settings that the program refuses, each once and without their values", () => {
  const fault = installFault(
    'level=fatal msg=failed to fetch Master Machines: failed to load asset "Install Config": failed to create install config: ' +
      'invalid "install-config.yaml" file: [platform.azure.region: Invalid value: "mars": region "mars" is not valid or not available, ' +
      'controlPlane.platform.azure.type: Invalid value: "hunter2": instance type does not meet minimum requirements, ' +
      'compute[0].platform.azure.type: Not found: "hunter2", platform.azure.region: Invalid value: "mars"]',
  );
  expect(fault).toMatchObject({
    code: "InstallationFailed",
    message:
      "openshift-install refuses what it was told of the cluster: platform.azure.region: Invalid value; " +
      "controlPlane.platform.azure.type: Invalid value; compute[0].platform.azure.type: Not found.",
  });
});

it("knows credentials that Entra refuses", () => {
  const fault = installFault(
    "level=error msg=AADSTS7000215: Invalid client secret provided. hunter2",
  );
  expect(fault).toMatchObject({ code: "InvalidServicePrincipalCredentials" });
  expect(fault?.message).toContain("AADSTS7000215");
  expect(fault?.message).not.toContain("hunter2");
});

it.each([
  'platform.azure.virtualNetwork: Invalid value: "x": network.VirtualNetworksClient#Get: Failure responding: StatusCode=429',
  "controlPlane.platform.azure.type: Internal error: context deadline exceeded",
  'platform.azure.region: Invalid value: "x": dial tcp: lookup management.azure.com: no such host',
  "baseDomain: Internal error: something",
  "level=error msg=failed to fetch Ignition Configs: unexpected end of JSON input",
  "",
])("takes for a fault that may pass: %s", (errors) => {
  expect(installFault(errors)).toBeUndefined();
});

it("says nothing of whatever else was printed", () => {
  const word = fc.constantFrom("platform", "azure", ".", ": ", "Invalid value", "pullSecret", "\n");
  const secret = "Zm9yLW5vYm9keTplbHNl";
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.constant(secret), fc.string())), (parts) => {
      expect(installFault(parts.join("") + secret)?.message ?? "").not.toContain(secret);
    }),
  );
});
