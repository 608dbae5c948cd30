/** What the machines are started with, as values of the template's parameters. */
import { expect, test } from "vitest";
import { resourcesParameters } from "../../../../src/installers/azure/template/machineConfigurations.ts";
import { resourcesTemplate } from "../../../../src/installers/azure/template/resourcesTemplate.ts";
import { resourcesInput } from "../resourcesInput.ts";

const url = "https://clusterab23cd45.blob.core.windows.net/ignition/bootstrap.ign?sv=1&sig=s%3D";
const master = JSON.stringify({ ignition: { version: "3.2.0", config: { merge: [] } } });

test.for(["3.2.0", "2.2.0"])("the bootstrap machine is sent on in the version %s", (version) => {
  const parameters = resourcesParameters({
    bootstrapIgnitionUrl: url,
    masterIgnition: JSON.stringify({ ignition: { version } }),
  });
  expect(JSON.parse(decoded(parameters["bootstrapIgnition"]?.value))).toEqual({
    ignition: { version, config: { replace: { source: url } } },
  });
});

test("the control plane gets its own as it is, whatever letters are in it", () => {
  const masterIgnition = master.replace("{", '{ "title": "čert",');
  const parameters = resourcesParameters({ bootstrapIgnitionUrl: url, masterIgnition });
  expect(decoded(parameters["masterIgnition"]?.value)).toBe(masterIgnition);
});

test("the values are those of the template's parameters", () => {
  const parameters = resourcesParameters({ bootstrapIgnitionUrl: url, masterIgnition: master });
  const declared = resourcesTemplate(resourcesInput()).parameters;
  expect(Object.keys(parameters).toSorted()).toEqual(Object.keys(declared).toSorted());
});

test.for([
  "",
  "not JSON: hunter2",
  "null",
  "[]",
  '{"secret":"hunter2"}',
  '{"ignition":{"version":3}}',
])("no configuration: %s is refused without being quoted", (masterIgnition) => {
  const run = () => resourcesParameters({ bootstrapIgnitionUrl: url, masterIgnition });
  expect(run).toThrow("names no version of Ignition");
  expect(run).not.toThrow("hunter2");
});

function decoded(value: string | undefined): string {
  return Buffer.from(value ?? "", "base64").toString();
}
