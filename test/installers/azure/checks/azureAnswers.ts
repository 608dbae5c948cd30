/**
 * Azure as far as checks ask it: an https server on loopback that answers from a table, and a cluster to check against it by the SDKs'
 * real clients. What isn't in the table is absent. It must not judge what it is asked.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import { readNotes, type AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import type {
  InstallationSnapshot,
  Step,
  StepResult,
} from "../../../../src/installers/installer.ts";
import type { Cluster } from "../../../../src/model/cluster.ts";
import { TerminalError } from "../../../../src/model/rpError.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { systemRandom } from "../../../../src/runtime/ids.ts";
import { TestAuthority } from "../../../listener/testAuthority.ts";
import { TestClock } from "../../../runtime/testClock.ts";

export const subscriptionId = "0f5d8a3e-9a43-4f2f-8e2e-0c7a3c1d9b11";
export const tenantId = "5c1a7e52-8d0b-4d0e-9c1f-6f3a2b1c0d9e";
export const clientId = "c0ffee00-1111-4222-8333-444455556666";
export const clientSecret = "very-secret-value";
export const objectId = "0b1ec700-aaaa-4bbb-8ccc-ddddeeeeffff";
export const incarnationId = "incarnation-of-the-test";
export const pollMs = 10_000;

const dnsZone = { subscriptionId, resourceGroup: "dns", name: "clusters.test" };
const ownToken = "token-of-the-resource-provider";

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
}

/** By method and path; the path without the query, in lower case. */
type Answers = Record<string, Answer | ((request: { readonly token: string }) => Answer)>;

/** A token that names its holder, as Entra's do. */
export function tokenOf(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

export class AzureAnswers implements AsyncDisposable {
  answers: Answers = {};
  /** Method and path with its query. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly clock = new TestClock();

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      const url = new URL(request.url ?? "/", "https://127.0.0.1");
      this.requests.push(`${request.method} ${url.pathname}${decodeURIComponent(url.search)}`);
      const found = this.answers[`${request.method} ${url.pathname.toLowerCase()}`];
      const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
      const { status = 200, body } =
        typeof found === "function"
          ? found({ token })
          : (found ?? {
              status: 404,
              body: { error: { code: "ResourceNotFound", message: "It is not there." } },
            });
      request.resume();
      request.on("end", () => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body ?? {}));
      });
    });
  }

  static async start(): Promise<AzureAnswers> {
    // tests of other files may run in this process: of two authorities of one name only one would be tried
    const authority = await TestAuthority.create({
      subject: [{ CN: [`Azure of ${randomUUID()}`] }],
      purpose: "authority",
    });
    const identity = await authority.issue({
      subject: [{ CN: ["localhost"] }],
      purpose: "server",
    });
    setDefaultCACertificates([...getCACertificates("default"), authority.cert]);
    const server = createServer(identity).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new AzureAnswers(server);
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get effects(): AzureEffects {
    const endpoints = { resourceManager: this.url, authorityHost: this.url };
    const unused = async (): Promise<never> => {
      throw new TypeError("a check seals nothing");
    };
    return {
      settings: { dnsZone, installProgram: "/nowhere" },
      azure: new AzureConnection(endpoints, {
        clock: systemClock,
        credential: () => ({
          getToken: async () => ({ token: ownToken, expiresOnTimestamp: 4_102_444_800_000 }),
        }),
      }),
      sealing: { seal: unused, open: unused },
      clock: this.clock,
      random: systemRandom,
      pollMs,
    };
  }

  /** Lets the cluster's service principal sign in. */
  signsIn(token = tokenOf({ oid: objectId })): Answers {
    return {
      ...this.#entra,
      [`POST /${tenantId}/oauth2/v2.0/token`]: {
        body: { token_type: "Bearer", expires_in: 3599, access_token: token },
      },
    };
  }

  /** Refuses it, as Entra does. */
  refusesSignIn(number: number, error = "invalid_client", status = 401): Answers {
    return {
      ...this.#entra,
      [`POST /${tenantId}/oauth2/v2.0/token`]: {
        status,
        body: {
          error,
          error_description: `AADSTS${number}: no, not with ${clientSecret}. Trace ID: 1`,
          error_codes: [number],
        },
      },
    };
  }

  get #entra(): Answers {
    const tenant = `${this.url}/${tenantId}`;
    return {
      [`GET /${tenantId}/v2.0/.well-known/openid-configuration`]: {
        body: {
          issuer: `${tenant}/v2.0`,
          authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
          token_endpoint: `${tenant}/oauth2/v2.0/token`,
          jwks_uri: `${tenant}/discovery/v2.0/keys`,
        },
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export function isOwn(token: string): boolean {
  return token === ownToken;
}

const cluster: Cluster = {
  location: "West Europe",
  clientId,
  network: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16", vnetCidr: "10.0.0.0/16" },
  controlPlane: { vmSize: "Standard_D8s_v3" },
  workers: [{ name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 128, count: 3 }],
};

const names = {
  mark: "abcdefgh",
  managedGroup: "aro-mine-abcdefgh",
  clusterDomain: "mine.clusters.test",
  label: "mine",
  storageAccount: "clusterabcdefgh",
};

export interface Given {
  readonly cluster?: Partial<Cluster>;
  /** Absent: there is none. */
  readonly secrets?: InstallationSnapshot["secrets"];
  readonly notes?: AzureNotes;
  /** Since the step was first begun. */
  readonly passedMs?: number;
}

function snapshotOf({
  cluster: changed = {},
  secrets = { clientSecret },
  notes = {},
}: Given): InstallationSnapshot {
  const id = `/subscriptions/${subscriptionId}/resourceGroups/group`;
  return {
    resourceId: `${id}/providers/RedHat.OpenShift/OpenShiftClusters/mine`,
    name: "mine",
    resourceGroup: "group",
    subscriptionId,
    incarnationId,
    operationId: "operation",
    epoch: 1,
    cluster: { ...cluster, ...changed },
    secrets,
    installation: { azure: { names, tenantId, ...notes } },
  };
}

/** What a run of a check came to. */
export interface Outcome {
  readonly done?: boolean;
  readonly againAfterMs?: number;
  /** Those that it added. */
  readonly notes?: AzureNotes;
  readonly code?: string;
  readonly message?: string;
}

export async function runCheck(
  azure: AzureAnswers,
  check: (effects: AzureEffects) => Step,
  given: Given = {},
): Promise<Outcome> {
  const snapshot = snapshotOf(given);
  const now = azure.clock.now();
  const step = check(azure.effects);
  let result: StepResult;
  try {
    result = await step.run({
      snapshot,
      startedAt: now - (given.passedMs ?? 0),
      now,
      signal: new AbortController().signal,
      guard: () => {
        throw new TypeError("a check changes nothing");
      },
      save: async () => {
        throw new TypeError("a check has nothing to save before its end");
      },
    });
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return { code: error.code, message: error.message };
  }
  if (!result.done) return { done: false, againAfterMs: result.againAfterMs };
  const before = readNotes(snapshot);
  const after = readNotes({ ...snapshot, installation: result.changes?.installation ?? {} });
  const added = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(before[name as keyof AzureNotes]) !== JSON.stringify(value),
  );
  return { done: true, notes: Object.fromEntries(added) };
}
