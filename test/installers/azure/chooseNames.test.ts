/** What a cluster may be called, and what is refused before anything is looked at or made. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import { chooseNames } from "../../../src/installers/azure/chooseNames.ts";
import type { Cluster } from "../../../src/model/cluster.ts";
import { TestClock } from "../../runtime/testClock.ts";
import { azureSnapshot, dnsZone } from "./azureSnapshot.ts";
import { stepContext } from "./stepContext.ts";

interface Given {
  readonly name?: string;
  readonly cluster?: Partial<Cluster>;
  readonly notes?: AzureNotes;
  readonly zone?: typeof dnsZone;
}

/** @returns the names that the step notes. */
async function chosen({ name = "Shop", cluster = {}, notes, zone = dnsZone }: Given) {
  const snapshot = azureSnapshot({ name, cluster, installation: notes ? { azure: notes } : {} });
  const settings = { dnsZone: zone, installProgram: "/bin/openshift-install" };
  const step = chooseNames({ clock: new TestClock(), pollMs: 10_000, settings });
  const result = await step.run({ ...stepContext(), snapshot });
  if (!result.done) throw new Error("the step is not done");
  return (result.changes?.installation?.["azure"] as AzureNotes | undefined)?.names;
}

async function refusal(given: Given): Promise<string> {
  const failure: unknown = await chosen(given).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "TerminalError", code: "InvalidParameter" });
  return (failure as Error).message;
}

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/);

describe("a domain below the zone", () => {
  it("is taken with one label more", async () => {
    await fc.assert(
      fc.asyncProperty(label, fc.boolean(), async (name, isFull) => {
        const domain = isFull ? `${name}.${dnsZone.name.toUpperCase()}` : name;
        expect(await chosen({ cluster: { domain } })).toMatchObject({
          label: name,
          clusterDomain: `${name}.${dnsZone.name}`,
        });
      }),
    );
  });

  it("is refused with more, so that none is inside another", async () => {
    const labels = fc.array(fc.oneof(label, fc.constantFrom("apps", "api", "*")), {
      minLength: 2,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(labels, fc.boolean(), async (parts, isUpper) => {
        const domain = [...parts, dnsZone.name].join(".");
        const asked = isUpper ? domain.toUpperCase() : domain;
        expect(await refusal({ cluster: { domain: asked } })).toContain(domain);
      }),
    );
  });

  it.each([
    "console-openshift-console.apps.victim-abcdefgh.clusters.example.com",
    "apps.victim-abcdefgh.clusters.example.com",
    "victim.victim.clusters.example.com",
    "clusters.example.com",
    "CLUSTERS.example.com",
  ])("is refused when it is %s, with what to choose", async (domain) => {
    expect(await refusal({ cluster: { domain } })).toBe(
      `The domain ${domain.toLowerCase()} can't be a cluster's own: below clusters.example.com it must have exactly one label ` +
        "more. Delete the cluster and create it with a domain such as 'mine', which is mine.clusters.example.com, or with one " +
        "outside of clusters.example.com.",
    );
  });

  it("is refused also when an earlier release has noted it", async () => {
    const names = {
      mark: "abcdefgh",
      managedGroup: "group",
      clusterDomain: `apps.victim.${dnsZone.name}`,
      label: "apps.victim",
      storageAccount: "account",
    };
    expect(await refusal({ notes: { names } })).toContain("apps.victim");
  });
});

it("what is noted is judged by its own zone, not by one that is set since", async () => {
  const names = await chosen({ cluster: { domain: "mine.example.org" } });
  const zone = { ...dnsZone, name: "mine.example.org" };
  expect(await chosen({ notes: { names: names! }, zone })).toEqual(names);
});

it.each(["mine.example.com", "a.b.c.example.org", "mine.otherclusters.example.com"])(
  "a domain outside of the zone, such as %s, is its user's",
  async (domain) => {
    const names = await chosen({ cluster: { domain } });
    expect(names).toMatchObject({ clusterDomain: domain });
    expect(names).not.toHaveProperty("label");
  },
);

it("names that are noted stay, with their zone", async () => {
  const names = await chosen({});
  expect(names?.dnsZone).toEqual(dnsZone);
  const other = { ...dnsZone, name: "other.example.org" };
  expect(await chosen({ notes: { names: names! }, zone: other })).toEqual(names);
});

describe("what openshift-install can't make", () => {
  it.each(["3prod", "3prod.example.com", "a".repeat(55), `${"a".repeat(55)}.example.com`])(
    "is refused at once: the domain %s",
    async (domain) => {
      expect(await refusal({ cluster: { domain } })).toMatch(
        /^OpenShift can't be installed for .* must begin with a letter, .* another domain\.$/,
      );
    },
  );

  const cluster = (prefixLength: number, count: number): Partial<Cluster> => ({
    network: { podCidr: `10.128.0.0/${prefixLength}`, serviceCidr: "172.30.0.0/16" },
    workers: [{ name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 128, count }],
  });

  it.each([
    [18, 29],
    [17, 61],
    [20, 5],
    [14, 50],
  ])("a /%i of pods has room for %i workers beside the control plane", async (length, count) => {
    expect(await chosen({ cluster: cluster(length, count) })).toBeDefined();
  });

  it.each([
    [
      18,
      30,
      "room for 32 nodes with a /23 each, and 30 workers beside 3 control plane machines are 33",
      "/17 or larger",
    ],
    [
      17,
      62,
      "room for 64 nodes with a /23 each, and 62 workers beside 3 control plane machines are 65",
      "/16 or larger",
    ],
    [
      23,
      3,
      "room for 1 nodes with a /23 each, and 3 workers beside 3 control plane machines are 6",
      "/20 or larger",
    ],
    [
      24,
      3,
      "room for 0 nodes with a /23 each, and 3 workers beside 3 control plane machines are 6",
      "/20 or larger",
    ],
  ])("a /%i of pods has none for %i workers", async (length, count, has, needed) => {
    const message = await refusal({ cluster: cluster(length, count) });
    expect(message).toContain(has);
    expect(message).toContain(needed);
  });

  it("is told all at once", async () => {
    const domain = `3apps.victim.${dnsZone.name}`;
    const message = await refusal({ cluster: { ...cluster(24, 3), domain } });
    expect(message).toMatch(
      /^\(1\) The domain .* \(2\) OpenShift can't be installed .* \(3\) The range for pods/,
    );
  });

  it("is nothing that a request asks for by leaving the domain to the installer", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9]{0,52}[A-Za-z0-9])?$/),
        async (name) => {
          expect(await chosen({ name })).toBeDefined();
        },
      ),
    );
  });
});
