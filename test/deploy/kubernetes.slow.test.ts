/**
 * The three roles on Kubernetes: each with its own identity and nothing more, as a user who can change nothing, reached by
 * nobody from outside, with settings that the program knows, and with time for a clean stop.
 */
import { expect, test } from "vitest";
import { describeSettings, readConfig, type Role } from "../../src/config.ts";
import { deployed, ofType, onlyOne } from "./azureTemplate.ts";
import { dockerfileText, onlyInstruction, stagesOf, wordsOf } from "./dockerfile.ts";
import { fillIn, givenValues, image, manifests, type Manifest } from "./manifests.ts";
import { queueName } from "../../src/queue/storageQueueConnection.ts";

const roles: readonly Role[] = readConfig({}).roles;

interface Container {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts?: unknown;
  readonly ports?: unknown;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: string[] } } };
}

interface Probe {
  readonly periodSeconds: number;
  readonly failureThreshold?: number;
}

interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly serviceAccountName: string;
        readonly terminationGracePeriodSeconds: number;
        readonly volumes?: unknown;
        readonly containers: readonly Container[];
      };
    };
  };
}

function ofKind(kind: string): readonly Manifest[] {
  return manifests().filter((manifest) => manifest.kind === kind);
}

function deploymentOf(role: Role): Deployment {
  const found = ofKind("Deployment").find(({ metadata }) => metadata.name === role);
  if (found === undefined) throw new Error(`no deployment ${role}`);
  return found as Deployment;
}

function containerOf(role: Role): Container {
  const [container, second] = deploymentOf(role).spec.template.spec.containers;
  if (container === undefined || second !== undefined) throw new Error("not exactly one container");
  return container;
}

/** The environment of a role's process, apart from what the cluster and the image add. */
function environmentOf(role: Role): Record<string, string> {
  const [settings] = ofKind("ConfigMap");
  const shared = (settings as unknown as { readonly data: Record<string, string> }).data;
  return {
    ...shared,
    ...Object.fromEntries(containerOf(role).env.map(({ name, value }) => [name, value])),
  };
}

/** How long the container goes on before it is told to stop. */
function preStopSeconds(role: Role): number {
  const [program, seconds] = containerOf(role).lifecycle?.preStop.exec.command ?? ["sleep", "0"];
  expect(program).toBe("sleep");
  return Number(seconds);
}

test("there is a deployment for each role, and for nothing else", () => {
  expect(ofKind("Deployment").map(({ metadata }) => metadata.name)).toEqual(roles);
});

test.each(roles)("the settings of the %s are such as the program takes", (role) => {
  const environment = environmentOf(role);
  const known = describeSettings().map(({ variable }) => variable);
  expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
  const config = readConfig(environment);
  expect(config.roles).toEqual([role]);
  expect(config.location).toBe("eastus");
  // both engines together, and no key
  expect(environment).toMatchObject({
    COSMOSDB_ACCOUNT: givenValues["COSMOSDB_ACCOUNT"],
    STORAGE_ACCOUNT: givenValues["STORAGE_ACCOUNT"],
    SEALING_KEY_VAULT: givenValues["SEALING_KEY_VAULT"],
  });
  expect(Object.keys(environment).filter((name) => name.endsWith("_KEY"))).toEqual([]);
});

test.each(roles)("the %s can change nothing where it runs", (role) => {
  const pod = deploymentOf(role).spec.template.spec;
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    },
  });
  expect(containerOf(role)).toMatchObject({
    image,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
  });
  const [, stage] = stagesOf(dockerfileText);
  expect(stage && wordsOf(onlyInstruction(stage, "USER"))).toEqual(["10001:10001"]);
  // an embedded database would have nowhere to lie: without its settings for Azure a process ends
  const [volumes, volumeMounts] =
    role === "backend"
      ? [
          // only openshift-install writes files; their secrets must get on no disk
          [{ name: "tmp", emptyDir: { medium: "Memory", sizeLimit: "512Mi" } }],
          [{ name: "tmp", mountPath: "/tmp" }],
        ]
      : [];
  expect(pod.volumes).toEqual(volumes);
  expect(containerOf(role).volumeMounts).toEqual(volumeMounts);
});

test.each(roles)("the %s has time for a clean stop", (role) => {
  const { shutdownMs } = readConfig(environmentOf(role));
  const graceMs = deploymentOf(role).spec.template.spec.terminationGracePeriodSeconds * 1000;
  // which includes the pause before
  expect(graceMs).toBeGreaterThanOrEqual(preStopSeconds(role) * 1000 + shutdownMs + 5000);
});

test.each(roles)(
  "the %s is replaced without a gap, and has the memory and the time that it takes",
  (role) => {
    const { strategy, template } = (
      deploymentOf(role) as unknown as {
        readonly spec: {
          readonly strategy: unknown;
          readonly template: {
            readonly spec: {
              readonly containers: readonly {
                readonly resources: { readonly limits: { readonly memory: string } };
                readonly startupProbe?: {
                  readonly periodSeconds: number;
                  readonly failureThreshold: number;
                };
              }[];
            };
          };
        };
      }
    ).spec;
    expect(strategy).toEqual({ rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
    const [container] = template.spec.containers;
    // an idle process takes about 200 MB
    const [, amount, unit] = /^(\d+)(Mi|Gi)$/.exec(container?.resources.limits.memory ?? "") ?? [];
    const mebibytes = Number(amount) * (unit === "Gi" ? 1024 : 1);
    // openshift-install, and its files in memory, come on top
    expect(mebibytes).toBeGreaterThanOrEqual(role === "backend" ? 1536 : 512);
    const { periodSeconds, failureThreshold } = container?.startupProbe ?? {
      periodSeconds: 60,
      failureThreshold: 1,
    };
    // the engines may take half a minute to open
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(60);
  },
);

test.each(roles)("the %s is asked for its health; a hung process is started again", (role) => {
  const asked = (question: string): object => ({
    exec: { command: ["node", "deploy/healthCheck.ts", question] },
    // longer than the program itself waits
    timeoutSeconds: 5,
  });
  const { startupProbe, readinessProbe, livenessProbe } = containerOf(role);
  expect(startupProbe).toMatchObject(asked("live"));
  expect(readinessProbe).toMatchObject(asked("ready"));
  // whether the database answers must not matter
  expect(livenessProbe).toMatchObject(asked("live"));
  const { periodSeconds = 0, failureThreshold = 0 } = livenessProbe ?? {};
  // what is only slow for a while must not be
  expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(120);
  // where they are asked, in roles without HTTP
  const { adminPort, adminHost, adminAuth } = readConfig(environmentOf(role));
  expect({ adminPort, adminHost, adminAuth }).toEqual({
    adminPort: 9464,
    adminHost: "127.0.0.1",
    adminAuth: { kind: "none" },
  });
});

test("a frontend serves until nobody is led to it any more", () => {
  expect(preStopSeconds("frontend")).toBeGreaterThanOrEqual(3);
  // whom nobody calls may stop at once
  expect([preStopSeconds("forwarder"), preStopSeconds("backend")]).toEqual([0, 0]);
});

test("the installer is the local one unless that for Azure is asked for, with its settings", () => {
  expect(readConfig(environmentOf("backend")).installer).toBe("local");
  const azure = {
    INSTALLER: "azure",
    AZURE_DNS_ZONE_ID:
      "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/dns/providers/Microsoft.Network/dnsZones/clusters.example",
    OPENSHIFT_INSTALL: "/usr/local/bin/openshift-install",
  };
  const [settings] = manifests({ ...givenValues, ...azure }).filter(
    ({ kind }) => kind === "ConfigMap",
  );
  const { data } = settings as unknown as { readonly data: Record<string, string> };
  expect(data).toMatchObject(azure);
  expect(readConfig({ ...environmentOf("backend"), ...data }).installer).toBe("azure");
  for (const variable of ["AZURE_DNS_ZONE_ID", "OPENSHIFT_INSTALL"] as const) {
    const { status, text, errors } = fillIn({ ...givenValues, ...azure, [variable]: "" });
    expect(status).not.toBe(0);
    expect(text).toBe("");
    expect(errors).toContain(`${variable}: must be set`);
  }
});

test("there are no traces unless their collector is given", () => {
  expect(readConfig(environmentOf("backend")).traces).toBeUndefined();
  const [settings] = manifests({
    ...givenValues,
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.monitoring:4318",
  }).filter(({ kind }) => kind === "ConfigMap");
  const { data } = settings as unknown as { readonly data: Record<string, string> };
  expect(readConfig({ ...environmentOf("backend"), ...data }).traces).toMatchObject({
    url: "http://collector.monitoring:4318/v1/traces",
  });
});

test("nobody reaches the frontend from outside of its Pod", () => {
  expect(
    manifests().filter(({ kind }) => /^(Service|Ingress|Gateway|HTTPRoute)$/.test(kind)),
  ).toEqual([]);
  expect(readConfig(environmentOf("frontend")).host).toBe("127.0.0.1");
  for (const role of roles) expect(containerOf(role).ports).toBeUndefined();
  expect(ofKind("NetworkPolicy")).toMatchObject([
    { spec: { podSelector: {}, policyTypes: ["Ingress"] } },
  ]);
  // a rule would allow something
  expect(JSON.stringify(ofKind("NetworkPolicy"))).not.toContain('"ingress":');
});

test("each role signs in as its own identity, and the template trusts exactly these", () => {
  const evaluated = deployed();
  const clients = Object.fromEntries(
    roles.map((role) => [`${role.toUpperCase()}_CLIENT_ID`, evaluated.outputs[`${role}ClientId`]]),
  ) as Record<string, string>;
  const filled = manifests({ ...givenValues, ...clients });
  for (const role of roles) {
    const account = filled.find(
      ({ kind, metadata }) => kind === "ServiceAccount" && metadata.name === role,
    );
    expect(account?.metadata.annotations).toEqual({
      "azure.workload.identity/client-id": evaluated.outputs[`${role}ClientId`],
    });
    const { template } = deploymentOf(role).spec;
    expect(template.spec.serviceAccountName).toBe(role);
    expect(template.metadata.labels).toMatchObject({ "azure.workload.identity/use": "true" });
  }
  const trusted = ofType(
    evaluated,
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
  ).map(({ name, ...rest }) => [
    name.split("/")[0],
    (rest["properties"] as { readonly subject: string }).subject,
  ]);
  const namespace = ofKind("Namespace")[0]?.metadata.name;
  expect(trusted).toEqual([
    ...roles.map((role) => [`openshiftrp-${role}`, `system:serviceaccount:${namespace}:${role}`]),
    // as the cluster's own scaler is called
    ["openshiftrp-scaler", "system:serviceaccount:kube-system:keda-operator"],
  ]);
});

test("everything lies in one namespace, which refuses root", () => {
  const [namespace] = ofKind("Namespace");
  expect(namespace?.metadata.labels).toEqual({
    "pod-security.kubernetes.io/enforce": "restricted",
  });
  const others = manifests().filter(({ kind }) => kind !== "Namespace");
  expect(new Set(others.map(({ metadata }) => metadata.namespace))).toEqual(
    new Set([namespace?.metadata.name]),
  );
});

test("each deployment finds its Pods", () => {
  for (const role of roles) {
    const { selector, template } = deploymentOf(role).spec;
    expect(selector.matchLabels).toEqual({ app: role });
    expect(template.metadata.labels).toMatchObject({ app: role });
  }
  expect(ofKind("PodDisruptionBudget")).toMatchObject(
    roles.map((role) => ({
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: role } } },
    })),
  );
});

test("how many there are follows the load, and is said in one place", () => {
  // a number here would undo what a scaler did, at each deployment
  expect(deploymentOf("frontend").spec.replicas).toBeUndefined();
  expect(deploymentOf("backend").spec.replicas).toBeUndefined();
  expect(deploymentOf("forwarder").spec.replicas).toBe(2);
  expect(ofKind("HorizontalPodAutoscaler")).toMatchObject([
    { spec: { scaleTargetRef: { kind: "Deployment", name: "frontend" }, minReplicas: 2 } },
  ]);
  const [frontends] = ofKind("HorizontalPodAutoscaler") as unknown as readonly {
    readonly spec: { readonly maxReplicas: number };
  }[];
  expect(frontends?.spec.maxReplicas).toBeGreaterThan(2);
  const [backends] = ofKind("ScaledObject") as unknown as readonly {
    readonly spec: { readonly maxReplicaCount: number };
  }[];
  expect(backends?.spec.maxReplicaCount).toBeGreaterThan(1);
  expect(ofKind("ScaledObject")).toMatchObject([
    { spec: { scaleTargetRef: { name: "backend" }, minReplicaCount: 1 } },
  ]);
});

test("the backend is scaled by the length of the queue, without a key", () => {
  const evaluated = deployed();
  const queue = onlyOne(evaluated, "Microsoft.Storage/storageAccounts/queueServices/queues");
  const { workers } = readConfig(environmentOf("backend"));
  expect(ofKind("ScaledObject")).toMatchObject([
    {
      spec: {
        triggers: [
          {
            type: "azure-queue",
            authenticationRef: { name: "queue" },
            metadata: {
              accountName: givenValues["STORAGE_ACCOUNT"],
              queueName,
              queueLength: String(workers / 2),
              // those in work count too, or the more is worked on the fewer would work
              queueLengthStrategy: "all",
            },
          },
        ],
      },
    },
  ]);
  expect(queue.name.endsWith(`/${queueName}`)).toBe(true);
  expect(ofKind("TriggerAuthentication")).toMatchObject([
    {
      metadata: { name: "queue" },
      spec: {
        podIdentity: {
          provider: "azure-workload",
          identityId: givenValues["SCALER_CLIENT_ID"],
        },
      },
    },
  ]);
  expect(JSON.stringify(manifests())).not.toMatch(/"Secret"|connection|secretKeyRef|_KEY"/i);
});

test.each(Object.keys(givenValues))("without %s nothing is printed", (variable) => {
  const { [variable]: _missing, ...others } = givenValues;
  const { status, text, errors } = fillIn(others);
  expect(status).not.toBe(0);
  expect(text).toBe("");
  expect(errors).toContain(`${variable}: must be set`);
});

test("a tag in place of a digest is refused, and nothing is left to fill in", () => {
  const tagged = fillIn({ ...givenValues, IMAGE: "registry.azurecr.io/openshift-rp:latest" });
  expect(tagged).toMatchObject({ status: 1, text: "" });
  expect(tagged.errors).toContain("IMAGE must name a digest");
  expect(fillIn(givenValues).text).not.toContain("${");
});
