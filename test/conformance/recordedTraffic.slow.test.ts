/**
 * What goes to and fro between a caller and the real program in the life of a cluster, judged by oav's live validator:
 * the one that Azure lets run over the traffic of its resource providers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";
import {
  exampleRequests,
  operationsOf,
  resourceGroup,
  served,
  subscription,
  type Body,
  type Contract,
} from "./contracts.ts";
import { tool } from "./tools.ts";

interface Finding {
  readonly code: string;
  readonly message: string;
}

interface Judgement {
  readonly isSuccessful?: boolean;
  readonly operationInfo: { readonly operationId: string };
  readonly errors: readonly Finding[];
  readonly runtimeException?: unknown;
}

/** What is used of oav. */
interface Oav {
  readonly LiveValidator: new (options: object) => {
    initialize(): Promise<void>;
    validateLiveRequestResponse(pair: Pick<Exchange, "liveRequest" | "liveResponse">): Promise<{
      readonly requestValidationResult: Judgement;
      readonly responseValidationResult: Judgement;
    }>;
  };
}

interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
}

/** A request with its answer, as the validator takes it. */
interface Exchange {
  readonly liveRequest: Message & { readonly method: string; readonly url: string };
  readonly liveResponse: Message & { readonly statusCode: string };
}

/** A caller that keeps what it sent and got. */
class Recorder {
  readonly exchanges: Exchange[] = [];
  readonly #origin: string;
  readonly #version: string;

  constructor(origin: string, version: string) {
    this.#origin = origin;
    this.#version = version;
  }

  /** @param path without the api-version, or a link of an earlier answer. */
  async send(
    method: string,
    path: string,
    { body, headers = {} }: { body?: Body; headers?: Record<string, string> } = {},
  ): Promise<Exchange["liveResponse"]> {
    const url = new URL(path, this.#origin);
    url.searchParams.set("api-version", this.#version);
    const sent = {
      ...headers,
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const response = await fetch(url, {
      method,
      headers: sent,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const liveResponse = {
      statusCode: String(response.status),
      headers: Object.fromEntries(response.headers),
      ...(text !== "" && { body: JSON.parse(text) as Body }),
    };
    this.exchanges.push({
      liveRequest: {
        method,
        url: url.pathname + url.search,
        headers: sent,
        ...(body !== undefined && { body }),
      },
      liveResponse,
    });
    return liveResponse;
  }

  /** Follows an operation by its links to its end. */
  async finish({ headers }: Message): Promise<void> {
    const status = headers["azure-asyncoperation"] ?? "";
    // a PUT has none
    const result = headers["location"];
    if (result !== undefined) await this.send("GET", result);
    while ((await this.send("GET", status)).body?.["endTime"] === undefined) await sleep(100);
    if (result !== undefined) await this.send("GET", result);
  }
}

const group = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}`;
const type = "providers/RedHat.OpenShift/OpenShiftClusters";
const cluster = `${group}/${type}/production`;

/** Everything that a caller can do, and what it does wrong. */
async function record(contract: Contract): Promise<Recorder> {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "1" });
  const { create, tag, scale } = exampleRequests(contract);
  const caller = new Recorder(rp.url, contract.version);
  const lists = [`${group}/${type}`, `/subscriptions/${subscription}/${type}`];

  await caller.send("GET", "/providers/RedHat.OpenShift/operations");
  await caller.send("GET", cluster);
  await caller.send("PATCH", cluster, { body: tag });
  for (const list of lists) await caller.send("GET", list);
  await caller.send("PUT", cluster, { body: { ...create, location: "nowhere" } });

  const created = await caller.send("PUT", cluster, { body: create });
  await caller.send("GET", cluster);
  await caller.send("PUT", cluster, { body: create });
  await caller.send("POST", `${cluster}/listCredentials`);
  await caller.finish(created);
  await caller.send("GET", cluster);
  for (const list of lists) await caller.send("GET", list);
  await caller.send("POST", `${cluster}/listCredentials`);
  if (operationsOf(contract).includes("OpenShiftClusters_GetCredentials")) {
    await caller.send("GET", `${cluster}/credentials`);
  }

  await caller.send("PUT", cluster, { body: create });
  await caller.send("PATCH", cluster, { body: tag, headers: { "if-match": '"another"' } });
  await caller.send("PATCH", cluster, { body: tag });
  await caller.finish(await caller.send("PATCH", cluster, { body: scale }));
  await caller.finish(await caller.send("PUT", cluster, { body: create }));

  const deleted = await caller.send("DELETE", cluster);
  await caller.send("GET", cluster);
  await caller.finish(deleted);
  await caller.send("GET", cluster);
  await caller.send("DELETE", cluster);
  return caller;
}

async function loadedValidator({ path }: Contract): Promise<InstanceType<Oav["LiveValidator"]>> {
  const { LiveValidator } = tool<Oav>("oav");
  const validator = new LiveValidator({ fileRoot: "/", swaggerPaths: [path], isArmCall: true });
  await validator.initialize();
  return validator;
}

/** What the validator finds and is meant so: the operation and the code. */
const allowed = [
  // it is deprecated because secrets belong to an action; the first version has it, as its users know it
  "OpenShiftClusters_GetCredentials SECRET_PROPERTY",
];

interface Judged {
  readonly operationId: string;
  readonly findings: readonly string[];
}

async function judge(
  validator: InstanceType<Oav["LiveValidator"]>,
  exchange: Exchange,
): Promise<Judged> {
  const { requestValidationResult: request, responseValidationResult: response } =
    await validator.validateLiveRequestResponse(exchange);
  const { operationId } = request.operationInfo;
  const errors = [request, response].flatMap(({ errors: found, runtimeException }) => [
    ...found.filter(({ code }) => !allowed.includes(`${operationId} ${code}`)),
    ...(runtimeException === undefined ? [] : [runtimeException]),
  ]);
  const { method, url } = exchange.liveRequest;
  const { statusCode } = exchange.liveResponse;
  return {
    operationId,
    findings: errors.map((error) => `${method} ${url} ${statusCode}: ${JSON.stringify(error)}`),
  };
}

describe.each(served)("$version", (contract) => {
  test("every exchange in the life of a cluster is what the contract says", async () => {
    const caller = await record(contract);
    const validator = await loadedValidator(contract);
    const judged: Judged[] = [];
    for (const exchange of caller.exchanges) judged.push(await judge(validator, exchange));
    expect(judged.flatMap(({ findings }) => findings)).toEqual([]);
    const operations = new Set(judged.map(({ operationId }) => operationId));
    expect([...operations].toSorted()).toEqual(operationsOf(contract).toSorted());
  });

  test("an exchange that is not what the contract says is found", async () => {
    const validator = await loadedValidator(contract);
    const url = `${cluster}?api-version=${contract.version}`;
    const body = { id: cluster, location: "eastus", properties: {} };
    const liveRequest = { method: "GET", url, headers: {} };
    const headers = { "content-type": "application/json" };
    const liveResponse = { statusCode: "200", headers, body };
    const judgeWith = async (
      request: Partial<Exchange["liveRequest"]>,
      response: Partial<Exchange["liveResponse"]>,
    ): Promise<string> => {
      const exchange = {
        liveRequest: { ...liveRequest, ...request },
        liveResponse: { ...liveResponse, ...response },
      };
      return (await judge(validator, exchange)).findings.join("\n");
    };
    expect(await judgeWith({}, {})).toBe("");
    expect(await judgeWith({}, { body: { ...body, location: 5 } })).toContain("INVALID_TYPE");
    expect(await judgeWith({}, { body: { ...body, undeclared: "" } })).toContain("undeclared");
    expect(await judgeWith({}, { statusCode: "206" })).toContain("INVALID_RESPONSE_CODE");
    expect(await judgeWith({ method: "PUT", body: { properties: 5 } }, {})).toContain("properties");
  });
});
