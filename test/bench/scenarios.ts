/**
 * What a benchmark asks for: the requests of each scenario by their numbers, and what an answer must be to count. An answer of
 * another kind is an error, since it may have cost less than what was to be measured.
 */
import { readFileSync } from "node:fs";
import {
  clusterPath,
  listPath,
  operationStatusPath,
  subscriptions,
  type Purpose,
} from "./storedClusters.ts";

/** One request, ready to be sent to any server. */
export interface BenchRequest {
  readonly method: "GET" | "PUT" | "PATCH";
  readonly path: string;
  readonly body?: string;
  /** Stands in the answer of the program, whose answer is to this request and no other. */
  readonly echo?: string;
}

/** What each answer must be, whichever server gives it. */
export interface Expected {
  readonly status: number;
  /** Stands in the body so many times. */
  readonly mark: string;
  readonly marks: number;
}

export interface Scenario {
  readonly name: string;
  /** Of the contract. */
  readonly operationId: string;
  /** `replaced`: each request takes a cluster that none before has taken, and there are only so many. */
  readonly usesUp?: "replaced";
  /** Whether work begins with each request. */
  readonly beginsWork?: true;
  /** Whether each answer says that something was committed. */
  readonly writes?: true;
  /** @param stored how many clusters there are. */
  readonly expected: (stored: number) => Expected;
  /** @param number from 0: how many of the scenario were made before. */
  readonly request: (number: number, stored: number) => BenchRequest;
}

/** Says to a server that only has answers ready which one is wanted; the program takes no notice. */
export const scenarioHeader = "x-bench-scenario";

export const apiVersion = "2020-04-30";
const query = `?api-version=${apiVersion}`;
const pageSize = 100;
/** Prime, so that it comes to every cluster, and far enough that no page of the database is just the last one's. */
const stride = 7_919;

interface ClusterBody {
  readonly properties: {
    readonly clusterProfile: object;
    readonly workerProfiles: readonly object[];
  };
}

const example = JSON.parse(
  readFileSync(
    new URL(
      `../../spec/examples/${apiVersion}/OpenShiftClusters_CreateOrUpdate.json`,
      import.meta.url,
    ),
    "utf8",
  ),
) as { readonly parameters: { readonly subscriptionId: string; readonly resource: ClusterBody } };

/** The contract's own example of a create, for a cluster of that subscription. */
export function createBody(purpose: Purpose): string {
  return bodyIn(purpose, example.parameters.resource);
}

const createdBody = createBody("created");
const replaceBody = bodyIn("replaced", withWorkers(example.parameters.resource, { count: 5 }));
const invalidBody = bodyIn("stored", invalid(example.parameters.resource));

/** What a cluster names must be of its own subscription. */
function bodyIn(purpose: Purpose, body: object): string {
  const { subscriptionId } = example.parameters;
  return JSON.stringify(body).replaceAll(subscriptionId, subscriptions[purpose]);
}

function withWorkers(body: ClusterBody, members: object): ClusterBody {
  const workerProfiles = body.properties.workerProfiles.map((worker) => ({
    ...worker,
    ...members,
  }));
  return { ...body, properties: { ...body.properties, workerProfiles } };
}

/** Faults that the schema finds, and one that only the version's rules do. */
function invalid(body: ClusterBody): object {
  const { properties } = withWorkers(body, { count: "three", colour: "blue" });
  const clusterProfile = { ...properties.clusterProfile, version: "four" };
  return { ...body, properties: { ...properties, clusterProfile } };
}

const shownCluster = { mark: '"provisioningState"', marks: 1 };

export const scenarios: readonly Scenario[] = [
  {
    name: "get",
    operationId: "OpenShiftClusters_Get",
    expected: () => ({ status: 200, ...shownCluster }),
    request: (number, stored) => readOf(storedAt(number, stored), '"'),
  },
  {
    name: "get-missing",
    operationId: "OpenShiftClusters_Get",
    expected: () => ({ status: 404, mark: '"ResourceNotFound"', marks: 1 }),
    request: (number, stored) => readOf(stored + number, "'"),
  },
  {
    name: "list",
    operationId: "OpenShiftClusters_ListBySubscription",
    expected: (stored) => ({ status: 200, ...shownCluster, marks: Math.min(stored, pageSize) }),
    request: () => ({ method: "GET", path: `${listPath("stored")}${query}` }),
  },
  {
    name: "operation-status",
    operationId: "OperationStatuses_Get",
    expected: () => ({ status: 200, mark: '"Succeeded"', marks: 1 }),
    request: (number, stored) => ({
      method: "GET",
      path: `${operationStatusPath(storedAt(number, stored))}${query}`,
    }),
  },
  {
    name: "invalid-put",
    operationId: "OpenShiftClusters_CreateOrUpdate",
    expected: () => ({ status: 400, mark: '"details"', marks: 1 }),
    request: (number, stored) => ({
      method: "PUT",
      path: `${clusterPath("stored", storedAt(number, stored))}${query}`,
      body: invalidBody,
    }),
  },
  {
    name: "patch-tags",
    operationId: "OpenShiftClusters_Update",
    writes: true,
    expected: () => ({ status: 200, ...shownCluster }),
    request: (number, stored) => {
      // another value each time: what changes nothing isn't written
      const value = `run-${number}`;
      return {
        method: "PATCH",
        path: `${clusterPath("stored", storedAt(number, stored))}${query}`,
        body: JSON.stringify({ tags: { bench: value } }),
        echo: `"${value}"`,
      };
    },
  },
  {
    name: "replace",
    operationId: "OpenShiftClusters_CreateOrUpdate",
    usesUp: "replaced",
    beginsWork: true,
    writes: true,
    expected: () => ({ status: 200, mark: '"Updating"', marks: 1 }),
    request: (number) => ({
      method: "PUT",
      path: `${clusterPath("replaced", number)}${query}`,
      body: replaceBody,
      echo: nameIn(number),
    }),
  },
  {
    name: "create",
    operationId: "OpenShiftClusters_CreateOrUpdate",
    beginsWork: true,
    writes: true,
    expected: () => ({ status: 201, mark: '"Creating"', marks: 1 }),
    request: (number) => ({
      method: "PUT",
      path: `${clusterPath("created", number)}${query}`,
      body: createdBody,
      echo: nameIn(number),
    }),
  },
];

function storedAt(number: number, stored: number): number {
  return (number * stride) % stored;
}

/** @param quote stands behind the name in the answer, so that no longer one is meant. */
function readOf(cluster: number, quote: string): BenchRequest {
  return {
    method: "GET",
    path: `${clusterPath("stored", cluster)}${query}`,
    echo: `cluster-${cluster}${quote}`,
  };
}

function nameIn(cluster: number): string {
  return `"cluster-${cluster}"`;
}

/**
 * What is wrong with an answer, in words; `undefined` when it is as it must be.
 *
 * @param echo is looked for if given.
 */
export function answerFault(
  answer: { readonly status: number; readonly body: string },
  expected: Expected,
  echo?: string,
): string | undefined {
  const { status, body } = answer;
  const told = (what: string): string => `${what}: ${status} ${body.slice(0, 400)}`;
  if (status !== expected.status) return told(`${expected.status} was expected`);
  const marks = body.split(expected.mark).length - 1;
  if (marks !== expected.marks) return told(`${expected.mark} stands ${marks} times in it`);
  if (echo !== undefined && !body.includes(echo)) return told(`${echo} is not in it`);
  return undefined;
}
