/** Keys in Azure Key Vault: the real SDK over a transport that answers as the service does, its challenge at the first request included. */
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from "@azure/core-rest-pipeline";
import { describe, expect, test } from "vitest";
import { KeyVaultError, keyVaultSource } from "../../src/store/keyVault.ts";

const place = { vaultUrl: "https://keys.vault.azure.net", secretName: "sealing" };
const base = `${place.vaultUrl}/secrets/sealing`;

function key(fill: number): string {
  return Buffer.alloc(32, fill).toString("base64");
}

interface Version {
  readonly id: string;
  readonly created: number;
  readonly value: string;
  readonly enabled?: boolean;
}

/** A vault with one secret. */
class Vault implements HttpClient {
  versions: Version[] = [];
  readonly requests: string[] = [];
  /** In place of an answer, to whom has signed in. */
  failure: (() => PipelineResponse | Promise<PipelineResponse>) | undefined;

  async sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
    const url = new URL(request.url);
    if (request.headers.get("authorization") !== "Bearer token") {
      return answer(
        request,
        401,
        {},
        {
          "www-authenticate":
            'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"',
        },
      );
    }
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.failure !== undefined) return this.failure();
    const [, secrets, name, version] = url.pathname.split("/");
    expect([request.method, secrets, name]).toEqual(["GET", "secrets", "sealing"]);
    if (version === "versions") {
      // one a page, as the service may
      const from = Number(url.searchParams.get("from") ?? 0);
      const value = this.versions.slice(from, from + 1).map((each) => bundle(each, false));
      const more = from + 1 < this.versions.length;
      const nextLink = more ? `${base}/versions?api-version=7.6&from=${from + 1}` : null;
      return answer(request, 200, { value, nextLink });
    }
    const found = this.versions.find(({ id }) => id === version);
    return found === undefined
      ? answer(request, 404, { error: { code: "SecretNotFound" } })
      : answer(request, 200, bundle(found, true));
  }
}

function bundle({ id, created, value, enabled = true }: Version, isWhole: boolean): object {
  const attributes = { enabled, created, updated: created };
  return { id: `${base}/${id}`, attributes, ...(isWhole ? { value } : {}) };
}

function answer(
  request: PipelineRequest,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): PipelineResponse {
  return {
    request,
    status,
    headers: createHttpHeaders({ "content-type": "application/json", ...headers }),
    bodyAsText: JSON.stringify(body),
  };
}

async function opened(vault: Vault) {
  const credential = {
    getToken: async () => ({ token: "token", expiresOnTimestamp: 4_102_444_800_000 }),
  };
  return keyVaultSource(place, { credential, httpClient: vault });
}

test("each enabled version is a key by the version's name, the newest first", async () => {
  const vault = new Vault();
  vault.versions = [
    { id: "b2", created: 200, value: key(2) },
    { id: "a1", created: 100, value: `${key(1)}\n` },
    { id: "c3", created: 300, value: key(3) },
    { id: "d4", created: 400, value: "switched off", enabled: false },
    { id: "c2", created: 300, value: key(4) },
  ];
  const source = await opened(vault);
  const keys = await source.load();
  expect(keys.map(({ id }) => id)).toEqual(["c3", "c2", "b2", "a1"]);
  expect(keys[3]?.key.export().toString("base64")).toBe(key(1));
});

test("what is known isn't asked for again, what was switched off is no key any more", async () => {
  const vault = new Vault();
  vault.versions = [{ id: "a1", created: 100, value: key(1) }];
  const source = await opened(vault);
  await source.load();
  vault.versions = [
    { id: "a1", created: 100, value: key(1), enabled: false },
    { id: "b2", created: 200, value: key(2) },
  ];
  vault.requests.length = 0;
  expect((await source.load()).map(({ id }) => id)).toEqual(["b2"]);
  expect(vault.requests.filter((each) => !each.includes("/versions"))).toEqual([
    "GET /secrets/sealing/b2",
  ]);
});

describe("refused, in a sentence that shows nothing of a key:", () => {
  const faultOf = async (vault: Vault): Promise<KeyVaultError> => {
    const source = await opened(vault);
    const error: unknown = await source.load().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KeyVaultError);
    const fault = error as KeyVaultError;
    expect(fault.message).toMatch(/^the secret sealing of the key vault https:\/\/keys\S+ cannot/);
    expect(fault.message).not.toContain("AQEB");
    expect(fault.cause).toBeUndefined();
    return fault;
  };

  test("no version is enabled", async () => {
    const vault = new Vault();
    vault.versions = [{ id: "a", created: 1, value: key(1), enabled: false }];
    expect((await faultOf(vault)).message).toMatch(/no enabled version/);
  });

  test.each([key(1).slice(4), `${key(1)}AAAA`, "", "password", key(1).replace("A", "-")])(
    "a version that is no key: %j",
    async (value) => {
      const vault = new Vault();
      vault.versions = [{ id: "a1b2", created: 1, value }];
      expect((await faultOf(vault)).message).toMatch(/its version a1b2 is not 32 bytes/);
    },
  );

  test.each([
    [403, false, /403; the role Key Vault Secrets User is needed/],
    [404, false, /404; it must be made first/],
    [429, true, /429/],
    [503, true, /503/],
  ])("status %i", async (status, isPassing, message) => {
    const vault = new Vault();
    const headers = createHttpHeaders({ "content-type": "application/json" });
    vault.failure = () => ({
      request: {} as PipelineRequest,
      status,
      headers,
      bodyAsText: JSON.stringify({ error: { code: "C", message: key(1) } }),
    });
    const fault = await faultOf(vault);
    expect(fault.message).toMatch(message);
    expect(fault.isPassing).toBe(isPassing);
  });

  test("nobody is there", async () => {
    const vault = new Vault();
    vault.failure = () => {
      throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    };
    const fault = await faultOf(vault);
    expect(fault.message).toMatch(/can't be reached \(ENOTFOUND\)/);
  });
});

test("who gives up waits for no answer", async () => {
  const vault = new Vault();
  vault.failure = async () => new Promise(() => {});
  const source = await opened(vault);
  const giveUp = new AbortController();
  const loading = source.load(giveUp.signal);
  giveUp.abort(new Error("too long"));
  await expect(loading).rejects.toThrow("too long");
});
