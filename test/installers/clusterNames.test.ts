/** Names of clusters: unique, and within the limits of DNS and of Azure, for the longest that settings and callers allow. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import {
  apiHost,
  apiServer,
  apiserverUrl,
  clusterNames,
  consoleUrl,
} from "../../src/installers/clusterNames.ts";

const nameLengthMax = 54;
const domainLengthMax = 158;

function longestDomain(): string {
  const domain = ["a", "b", "c"].map((letter) => letter.repeat(52)).join(".");
  expect(domain).toHaveLength(domainLengthMax);
  return domain;
}

const labelCharacter = fc.constantFrom(...Array.from("abcxyzABCXYZ019-"));
/** What the API accepts as a cluster's name. */
const clusterName = fc
  .string({ unit: labelCharacter, minLength: 1, maxLength: nameLengthMax })
  .filter((name) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(name));

describe("clusterNames", () => {
  it("gives a known cluster its known names: they are stored, so they must not change", () => {
    const names = clusterNames({
      name: "MyCluster",
      incarnationId: "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0",
      domain: "OpenShift.test",
    });
    expect(names).toEqual({
      infraId: "mycluster-bgsotu5u",
      clusterDomain: "mycluster-bgsotu5u.openshift.test",
      storageAccount: "clusterbgsotu5u",
    });
    expect(apiServer(names)).toBe("https://api.mycluster-bgsotu5u.openshift.test:6443");
    expect(apiserverUrl(names)).toBe("https://api.mycluster-bgsotu5u.openshift.test:6443/");
    expect(consoleUrl(names)).toBe(
      "https://console-openshift-console.apps.mycluster-bgsotu5u.openshift.test/",
    );
  });

  it("fills a host name to DNS's 253 characters with the longest that settings and callers allow", () => {
    const names = clusterNames({
      name: "n".repeat(nameLengthMax),
      incarnationId: "any",
      domain: readConfig({ DOMAIN: longestDomain() }).domain,
    });
    const host = new URL(consoleUrl(names)).hostname;
    expect(host).toHaveLength(253);
    expect(Math.max(...host.split(".").map((label) => label.length))).toBe(63);
    expect(() => readConfig({ DOMAIN: `${longestDomain()}d` })).toThrow("158");
  });

  it("keeps every name within its limits and URLs as a parser would write them", () => {
    fc.assert(
      fc.property(clusterName, fc.uuid(), (name, incarnationId) => {
        const names = clusterNames({ name, incarnationId, domain: longestDomain() });
        for (const url of [apiserverUrl(names), consoleUrl(names)]) {
          expect(new URL(url).href).toBe(url);
          const host = new URL(url).hostname;
          expect(host.length).toBeLessThanOrEqual(253);
          for (const label of host.split(".")) {
            expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
          }
        }
        expect(new URL(apiServer(names)).hostname).toBe(apiHost(names));
        expect(names.infraId).toMatch(/^[a-z0-9][a-z0-9-]{0,26}$/);
        expect(names.storageAccount).toMatch(/^[a-z0-9]{3,24}$/);
      }),
    );
  });

  it("takes a domain that was asked for as it is: a label below the service's, a full name alone", () => {
    const names = (askedDomain: string) =>
      clusterNames({
        name: "MyCluster",
        incarnationId: "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0",
        domain: "OpenShift.test",
        askedDomain,
      });
    expect(names("Label")).toEqual({
      infraId: "mycluster-bgsotu5u",
      clusterDomain: "label.openshift.test",
      storageAccount: "clusterbgsotu5u",
    });
    expect(names("Clusters.Example.com").clusterDomain).toBe("clusters.example.com");
  });

  it("fits the longest domains that can be asked for into DNS's 253 characters", () => {
    const full = `${"a.".repeat(109)}aaaa`;
    for (const askedDomain of ["l".repeat(63), full]) {
      const names = clusterNames({
        name: "any",
        incarnationId: "any",
        domain: longestDomain(),
        askedDomain,
      });
      expect(new URL(consoleUrl(names)).hostname).toHaveLength(253);
    }
  });

  it("begins no label with the mark of Punycode", () => {
    const names = clusterNames({ name: "XN--zz", incarnationId: "any", domain: "openshift.test" });
    expect(names.clusterDomain).toMatch(/^xn-zz-/);
  });

  it("never gives two clusters the same, also not those of one name (seed fault 32)", () => {
    const seen = new Set<string>();
    for (let index = 0; index < 10_000; index += 1) {
      const names = clusterNames({
        name: "same",
        incarnationId: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
        domain: "openshift.test",
      });
      for (const name of Object.values(names)) seen.add(name);
    }
    expect(seen.size).toBe(30_000);
  });
});
