/** One api-version as ARM's callers use it: the calls on a cluster, and following an operation to its end. */
import { expect } from "vitest";
import {
  clusterPath,
  type RpRequest,
  type RpResponse,
  type StartedRp,
} from "../frontend/startedRp.ts";
import type { Body, ServedVersion } from "./servedVersions.ts";

/** Where ARM itself calls from. */
export const armOrigin = "https://management.azure.com";
export const referer = { Referer: `${armOrigin}/subscriptions/x?y=z` };

type Headers = Readonly<Record<string, string>>;

export class ArmCaller {
  readonly rp: StartedRp;
  readonly version: ServedVersion;
  readonly group: string;

  /** Each version has a resource group of its own, so that names need not differ. */
  constructor(rp: StartedRp, version: ServedVersion, group = `of-${version.name}`) {
    this.rp = rp;
    this.version = version;
    this.group = group;
  }

  /** Through another api-version. */
  as(version: ServedVersion): ArmCaller {
    return new ArmCaller(this.rp, version, this.group);
  }

  /** A path with this api-version. */
  at(path: string): string {
    return `${path}${path.includes("?") ? "&" : "?"}api-version=${this.version.name}`;
  }

  cluster(name: string, action = ""): string {
    return this.at(`${clusterPath(name, { group: this.group })}${action}`);
  }

  send = async (method: string, path: string, request?: RpRequest): Promise<RpResponse> =>
    this.rp.send(method, this.at(path), request);
  get = async (name: string, headers: Headers = {}): Promise<RpResponse> =>
    this.rp.send("GET", this.cluster(name), { headers });
  put = async (name: string, body: unknown, headers: Headers = {}): Promise<RpResponse> =>
    this.rp.send("PUT", this.cluster(name), { body, headers });
  patch = async (name: string, body: unknown, headers: Headers = {}): Promise<RpResponse> =>
    this.rp.send("PATCH", this.cluster(name), { body, headers });
  delete = async (name: string, headers: Headers = {}): Promise<RpResponse> =>
    this.rp.send("DELETE", this.cluster(name), { headers });
  post = async (name: string, action: string, request?: RpRequest): Promise<RpResponse> =>
    this.rp.send("POST", this.cluster(name, `/${action}`), request);
  list = async (query = ""): Promise<RpResponse> =>
    this.rp.send("GET", this.at(`${clusterPath("", { group: this.group }).slice(0, -1)}${query}`));

  /** A cluster that has been created with this body and has come to rest. */
  async created(name: string, body: Body = this.version.smallest): Promise<RpResponse> {
    const answer = await this.put(name, body);
    expect(answer.status).toBe(201);
    await this.ended(answer);
    return this.get(name);
  }

  /** The status of the operation that an answer has started, once it is over. */
  async ended(answer: RpResponse): Promise<RpResponse> {
    return this.rp.until(statusLink(answer), ({ body }) => body.status !== "InProgress");
  }

  /** What has become of the operation that an answer has started. */
  async result(answer: RpResponse): Promise<RpResponse> {
    return this.rp.get(statusLink(answer).replace("/operationStatuses/", "/operationResults/"));
  }
}

/** Where the operation that an answer has started is followed, at the server itself whatever the origin. */
export function statusLink(answer: RpResponse): string {
  const link = answer.headers.get("azure-asyncoperation");
  expect(link, `${answer.status} ${answer.text}`).toBeTruthy();
  const { pathname, search } = new URL(link ?? "");
  return `${pathname}${search}`;
}

/** The id of the operation that an answer has started. */
export function operationId(answer: RpResponse): string {
  return new URL(statusLink(answer), "http://host").pathname.split("/").at(-1) ?? "";
}

/** Whether an answer has started an operation. */
export function isAsync({ headers }: RpResponse): boolean {
  return headers.has("azure-asyncoperation") || headers.has("location");
}

/** Every fault of an error answer, as code and target. */
export function faults({ body }: RpResponse): string[] {
  const { error } = body;
  const all: { code: string; target?: string }[] = error.details ?? [error];
  return all.map(({ code, target = "" }) => `${code} ${target}`.trim());
}
