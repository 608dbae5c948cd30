/** A cluster of a real process, asked for over HTTP as a user would. */
import { expect } from "vitest";
import { planted } from "../leaks/leakWatch.ts";

/** Any process with a frontend. */
interface Reachable {
  readonly url: string;
}

const query = "?api-version=2019-12-31-preview";
/** What is secret in the pull secret of all these clusters. */
export const clusterPullSecret = planted("cGxhbnRlZDpzZWNyZXQtb2YtYS1wcm9jZXNz");
const pullSecret = Buffer.from(
  `{"auths":{"quay.example":{"auth":"${clusterPullSecret}"}}}\n`,
).toString("base64");

/** The smallest body of a create. */
export const clusterBody = JSON.stringify({ location: "eastus", properties: { pullSecret } });

/** The subscription of all these clusters. */
const subscription = "00000000-0000-4000-8000-000000000001";

/** ARM tells of the subscription, as it does before the first request in it. */
export async function announceSubscription(rp: Reachable, state: string): Promise<void> {
  const response = await fetch(`${rp.url}/subscriptions/${subscription}?api-version=2.0`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ state }),
  });
  expect(response.status, await response.text()).toBe(200);
}

/** The cluster's URL, or that of one of its actions. */
export function clusterUrl(rp: Reachable, name: string): string {
  return (
    `${rp.url}/subscriptions/${subscription}/resourceGroups/g` +
    `/providers/RedHat.OpenShift/OpenShiftClusters/${name}${query}`
  );
}

/** Asks for the smallest cluster. */
export async function askForCluster(rp: Reachable, name: string): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(clusterUrl(rp, name), { method: "PUT", headers, body: clusterBody });
}

export async function putCluster(rp: Reachable, name: string): Promise<number> {
  const response = await askForCluster(rp, name);
  await response.arrayBuffer();
  return response.status;
}

/** Replaces a cluster by the smallest one with these properties besides. */
export async function replaceCluster(
  rp: Reachable,
  name: string,
  properties: object,
): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ location: "eastus", properties: { pullSecret, ...properties } });
  return fetch(clusterUrl(rp, name), { method: "PUT", headers, body });
}

/** Changes members of a cluster. */
export async function patchCluster(rp: Reachable, name: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(clusterUrl(rp, name), { method: "PATCH", headers, body: JSON.stringify(body) });
}

/** Asks for its removal. */
export async function deleteCluster(rp: Reachable, name: string): Promise<Response> {
  return fetch(clusterUrl(rp, name), { method: "DELETE" });
}

/** The names of all clusters of the group, in order. */
export async function listClusters(rp: Reachable) {
  const url = clusterUrl(rp, "").replace(`/${query}`, query);
  const response = await fetch(url);
  const { value } = (await response.json()) as { value: readonly { readonly name: string }[] };
  return { status: response.status, names: value.map(({ name }) => name) };
}

/** `state` is `gone` once the cluster is not there. */
export async function getCluster(rp: Reachable, name: string) {
  const response = await fetch(clusterUrl(rp, name));
  const cluster = (await response.json()) as { properties?: Readonly<Record<string, unknown>> };
  const state = response.status === 404 ? "gone" : cluster.properties?.["provisioningState"];
  return { state, cluster };
}

/** Asks until it is in that state; it must not fail on the way. */
export async function untilState(rp: Reachable, name: string, wanted: string) {
  for (;;) {
    const answer = await getCluster(rp, name);
    if (answer.state === wanted) return answer;
    expect(answer.state).not.toBe("Failed");
  }
}
