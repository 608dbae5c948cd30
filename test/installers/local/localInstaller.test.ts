/** The local installer as a whole: idempotence, durations, and that what it makes is real and every cluster's own. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Step, StepContext } from "../../../src/installers/installer.ts";
import { TerminalError } from "../../../src/model/rpError.ts";
import { localInstaller } from "../../../src/installers/local/localInstaller.ts";
import { localStepNames } from "../../../src/installers/local/localInstallerSettings.ts";
import type { LocalNotes } from "../../../src/installers/local/localNotes.ts";
import type { ClusterDocument } from "../../../src/model/document.ts";
import {
  deleteOf,
  newCluster,
  StepsRun,
  stepsSuite,
  updateOf,
  type MakeInstaller,
} from "../../backend/stepsSuite.ts";

const domain = "openshift.test";

function lasting(installMs: number, domainOfAll = domain): MakeInstaller {
  return (effects) => localInstaller({ domain: domainOfAll, installMs, ...effects });
}

// some waits of this one are slept through and some given back
stepsSuite({ name: "local", installer: lasting(3_000) });
stepsSuite({ name: "local (immediate)", installer: lasting(0) });

function startRun(installMs: number, document = newCluster()): StepsRun {
  return new StepsRun({ installer: lasting(installMs), document });
}

function notesOf(document: ClusterDocument): LocalNotes {
  return document.installation["local"] as LocalNotes;
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: { readonly "certificate-authority-data": string; readonly server: string };
  }[];
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly users: readonly {
    readonly name: string;
    readonly user: {
      readonly "client-certificate-data": string;
      readonly "client-key-data": string;
    };
  }[];
  readonly "current-context": string;
}

function decoded(base64: string | undefined): string {
  return Buffer.from(base64 ?? "", "base64").toString("utf8");
}

describe("create", () => {
  it("walks the phases of the first resource provider", () => {
    const { phases } = localInstaller({
      domain,
      installMs: 0,
      clock: startRun(0).clock,
      random: { fraction: () => 0, integer: () => 0, bytes: (count) => new Uint8Array(count) },
    });
    // stored in documents: a name that changes leaves running operations without their step
    expect(
      phases.create.map(({ name, steps }) => [name, ...steps.map((step) => step.name)]),
    ).toEqual([
      [
        "DeployStorage",
        "ChooseNames",
        "GenerateAssets",
        "CreateStorageAccount",
        "CopyImage",
        "UploadIgnition",
      ],
      [
        "DeployResources",
        "DeployNetwork",
        "DeployControlPlane",
        "CreateApiRecord",
        "WaitForBootstrap",
      ],
      ["RemoveBootstrap", "RemoveBootstrapMachine", "WaitForClusterVersion", "StoreCredentials"],
    ]);
  });

  it("fails for good at the step that is to fail, and at no other", async () => {
    const effects = {
      domain,
      installMs: 0,
      clock: startRun(0).clock,
      random: {
        fraction: () => 0,
        integer: () => 0,
        bytes: (count: number) => new Uint8Array(count),
      },
    };
    const stepsOf = (failingStep?: string): ReadonlyMap<string, Step> =>
      new Map(
        Object.values(localInstaller({ ...effects, failingStep }).phases)
          .flat()
          .flatMap(({ steps }) => steps.map((step) => [step.name, step] as const)),
      );
    const [plain, failing] = [stepsOf(), stepsOf("CopyImage")];
    expect([...failing.keys()]).toEqual([...plain.keys()]);
    // these alone can be set
    expect([...plain.keys()]).toEqual([...localStepNames]);
    await expect(failing.get("CopyImage")?.run({} as StepContext)).rejects.toThrow(TerminalError);
  });

  it("writes a kubeconfig whose client certificate the cluster's authority has signed", async () => {
    const run = startRun(0);
    const { secrets, cluster, installation } = await run.operation();
    const kubeconfig = parse(secrets.adminKubeconfig ?? "") as Kubeconfig;
    expect(kubeconfig["current-context"]).toBe("admin");
    expect(kubeconfig.contexts).toEqual([
      { name: "admin", context: { cluster: "first", user: "admin" } },
    ]);
    expect(kubeconfig.clusters[0]?.name).toBe("first");
    expect(`${kubeconfig.clusters[0]?.cluster.server}/`).toBe(cluster.apiserverUrl);

    const authority = new X509Certificate(
      decoded(kubeconfig.clusters[0]?.cluster["certificate-authority-data"]),
    );
    expect(authority.toString()).toBe(notesOf(run.document).certificateAuthority);
    const user = kubeconfig.users[0]?.user;
    const admin = new X509Certificate(decoded(user?.["client-certificate-data"]));
    expect(admin.subject).toBe("O=system:masters\nCN=system:admin");
    expect(admin.verify(authority.publicKey)).toBe(true);
    expect(admin.checkIssued(authority)).toBe(true);
    expect(admin.checkPrivateKey(createPrivateKey(decoded(user?.["client-key-data"])))).toBe(true);
    expect(authority.checkPrivateKey(createPrivateKey(secrets.certificateAuthorityKey ?? ""))).toBe(
      true,
    );
    expect(JSON.stringify(installation)).not.toContain(user?.["client-key-data"]);
  });

  it("notes the public half of the SSH key", async () => {
    const { secrets, installation } = await startRun(0).operation();
    expect(secrets.sshPrivateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    expect((installation["local"] as LocalNotes).sshPublicKey).toMatch(/^ssh-ed25519 \S+ core$/);
  });

  it("makes everything of its own for each cluster, whatever they share by name", async () => {
    const [one, other] = await Promise.all(
      ["aaaaaaaa-1111-4111-8111-111111111111", "aaaaaaaa-1111-4111-8111-111111111112"].map(
        (incarnationId) => startRun(0, newCluster({ incarnationId })).operation(),
      ),
    );
    const differing = (document: ClusterDocument | undefined): readonly unknown[] => [
      ...Object.entries(document?.secrets ?? {}).filter(([name]) => name !== "pullSecret"),
      document?.cluster.apiserverUrl,
      document?.cluster.consoleUrl,
      ...Object.values(notesOf(document as ClusterDocument).names ?? {}),
      ...Object.values(notesOf(document as ClusterDocument).resources ?? {}),
      notesOf(document as ClusterDocument).sshPublicKey,
      notesOf(document as ClusterDocument).certificateAuthority,
    ];
    const [ones, others] = [differing(one), differing(other)];
    expect(ones).toHaveLength(17);
    for (const [index, value] of ones.entries()) expect(others[index]).not.toEqual(value);
  });

  it("keeps its names when DOMAIN is changed in the middle", async () => {
    const first = startRun(0);
    const [choose] = first.steps;
    if (choose !== undefined) {
      first.apply(await first.step(choose, { startedAt: first.clock.now() }));
    }
    const second = new StepsRun({
      installer: lasting(0, "another.test"),
      document: first.document,
    });
    const { cluster, secrets } = await second.operation();
    expect(cluster.apiserverUrl).toContain(".openshift.test:6443/");
    expect(secrets.adminKubeconfig).not.toContain("another.test");
  });

  it("uses the domain that the cluster asks for, in all that it makes", async () => {
    const { cluster } = newCluster();
    const asking = newCluster({ cluster: { ...cluster, domain: "clusters.example.com" } });
    const created = await startRun(0, asking).operation();
    expect(created.cluster.apiserverUrl).toBe("https://api.clusters.example.com:6443/");
    expect(created.cluster.consoleUrl).toContain(".apps.clusters.example.com/");
    expect(created.secrets.adminKubeconfig).toContain("https://api.clusters.example.com:6443");
    expect(notesOf(created).resources).toMatchObject({ apiRecord: "api.clusters.example.com" });
    const label = newCluster({ cluster: { ...cluster, domain: "mine" } });
    const { apiserverUrl } = (await startRun(0, label).operation()).cluster;
    expect(apiserverUrl).toBe("https://api.mine.openshift.test:6443/");
  });

  it("keeps the names of a cluster that exists, whatever its domain", async () => {
    const run = startRun(0);
    const created = await run.operation();
    run.become(
      newCluster({
        cluster: { ...newCluster().cluster, domain: "mine" },
        installation: created.installation,
      }),
    );
    const again = await run.operation();
    expect(again.cluster.apiserverUrl).toBe(created.cluster.apiserverUrl);
  });

  it("keeps secrets that are stored and mends the notes about them", async () => {
    const run = startRun(0);
    const { secrets } = await run.operation();
    run.become(newCluster({ secrets }));
    const again = await run.operation();
    expect(again.secrets).toEqual(secrets);
    const kubeconfig = parse(again.secrets.adminKubeconfig ?? "") as Kubeconfig;
    const admin = new X509Certificate(
      decoded(kubeconfig.users[0]?.user["client-certificate-data"]),
    );
    const authority = new X509Certificate(notesOf(again).certificateAuthority ?? "");
    expect(admin.verify(authority.publicKey)).toBe(true);
    expect(admin.checkIssued(authority)).toBe(true);
  });

  it("keeps notes that a newer release has written", async () => {
    const run = startRun(
      0,
      newCluster({ installation: { other: 1, local: { newer: 2, resources: { lake: "x" } } } }),
    );
    const { installation } = await run.operation();
    expect(installation).toMatchObject({ other: 1, local: { newer: 2, resources: { lake: "x" } } });
  });
});

describe("durations", () => {
  async function timeOf(run: StepsRun): Promise<number> {
    const startedAt = run.clock.now();
    await run.operation();
    return run.clock.now() - startedAt;
  }

  it("of a create are the setting, in total", async () => {
    for (const installMs of [100, 1_000, 10_000, 3_600_000, 86_400_000]) {
      const took = await timeOf(startRun(installMs));
      expect(took).toBeGreaterThanOrEqual(installMs);
      // the clock of the test turns in steps of 10 ms
      expect(took).toBeLessThanOrEqual(installMs + 100);
    }
  });

  it("are none with 0, and nothing is asked for again", async () => {
    const run = startRun(0);
    const created = await (async () => {
      for (const step of run.steps) {
        const result = await run.begin(step, { startedAt: run.clock.now() }).result;
        expect(result.done).toBe(true);
        run.apply(result.changes ?? {});
      }
      return run.document;
    })();
    expect(run.clock.monotonic()).toBe(0);
    run.become(updateOf(created));
    await run.operation();
    run.become(deleteOf(created));
    await run.operation();
    expect(run.clock.monotonic()).toBe(0);
  });

  it("of a crashed step run on from its first start", async () => {
    const run = startRun(100_000);
    for (const step of run.steps) {
      const startedAt = run.clock.now();
      if (step.name !== "CopyImage") {
        run.apply(await run.step(step, { startedAt }));
        continue;
      }
      await run.clock.advance(24_900);
      expect(await run.step(step, { startedAt })).toEqual({});
      expect(run.clock.now() - startedAt).toBe(25_000);
    }
  });

  it("don't grow when the clock is set back", async () => {
    const run = startRun(10_000);
    const copy = run.steps.find(({ name }) => name === "CopyImage");
    const startedAt = run.clock.now() + 3_600_000;
    const result = await (copy && run.begin(copy, { startedAt }).result);
    expect(result).toMatchObject({ done: false, againAfterMs: 2_500 });
  });

  it("are given back in parts of a minute at most, and slept through only when short", async () => {
    const long = startRun(86_400_000);
    const copy = long.steps.find(({ name }) => name === "CopyImage");
    expect(await (copy && long.begin(copy, { startedAt: long.clock.now() }).result)).toMatchObject({
      done: false,
      againAfterMs: 60_000,
    });
  });

  it("of an update depend on how many profiles change", async () => {
    const created = await startRun(0).operation();
    expect(await timeOf(startRun(10_000, { ...updateOf(created), cluster: created.cluster }))).toBe(
      0,
    );
    expect(await timeOf(startRun(10_000, updateOf(created)))).toBe(1_000);
    const { cluster } = updateOf(created);
    const [worker] = cluster.workers;
    const more = { ...updateOf(created), cluster: { ...cluster } };
    if (worker !== undefined) {
      more.cluster.workers = [
        { ...worker, count: 5 },
        { ...worker, name: "constructor" },
      ];
    }
    expect(await timeOf(startRun(10_000, more))).toBe(2_000);
  });

  it("of a delete are a part of a create's, and none if nothing was made", async () => {
    const created = await startRun(0).operation();
    expect(await timeOf(startRun(10_000, deleteOf(created)))).toBe(2_000);
    expect(await timeOf(startRun(10_000, deleteOf(newCluster())))).toBe(0);
  });
});

describe("update", () => {
  it("scales back what an update that failed has scaled", async () => {
    const run = startRun(0);
    const created = await run.operation();
    run.become(updateOf(created));
    const scaled = await run.operation();
    expect(notesOf(scaled).workers).toEqual({ worker: 5 });
    // it has failed after all, so the document shows and remembers what was reached before
    run.become({
      ...updateOf(created),
      cluster: created.cluster,
      installation: scaled.installation,
      operation: { ...scaled.operation, id: "third-operation" },
    });
    const back = await run.operation();
    expect(notesOf(back).scaling?.profiles).toEqual(["worker"]);
    expect(notesOf(back).workers).toEqual({ worker: 3 });
  });
});

describe("delete", () => {
  it("forgets every resource, those of a newer release included", async () => {
    const run = startRun(0, newCluster({ installation: { local: { resources: { lake: "x" } } } }));
    run.become(deleteOf(await run.operation()));
    expect(notesOf(await run.operation()).resources).toEqual({});
  });

  it("of a cluster never begun notes nothing", async () => {
    const run = startRun(10_000, deleteOf(newCluster()));
    expect(notesOf(await run.operation())).toEqual({ resources: {} });
  });
});
