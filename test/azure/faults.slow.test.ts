/** What goes wrong on demand, as a client meets it. */
import { expect, test } from "vitest";
import { armClients, subscriptionId } from "./armClients.ts";
import { LocalAzure } from "./localAzure.ts";

const location = "eastus";

async function started() {
  const azure = await LocalAzure.start();
  const clients = armClients(azure);
  const create = async (name: string) =>
    await clients.resources.resourceGroups.createOrUpdate(name, { location });
  const names = () => azure.resources().map(({ name }) => name);
  return { azure, ...clients, create, names };
}

test("a rule answers as often as it says, and says when to come back", async () => {
  const { azure, create, names } = await started();
  await using _ = azure;
  azure.fail({
    method: "PUT",
    path: /resourcegroups\/one$/i,
    times: 2,
    status: 429,
    code: "TooManyRequests",
    retryAfterSeconds: 7,
  });
  await create("other");
  for (let time = 0; time < 2; time += 1) {
    const error: unknown = await create("one").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ statusCode: 429, code: "TooManyRequests" });
    const { response } = error as { response: { headers: { get(name: string): string } } };
    expect(response.headers.get("retry-after")).toBe("7");
  }
  await create("one");
  expect(names()).toEqual(["other", "one"]);
});

test("a request is lost before or after its effect", async () => {
  const { azure, create, names } = await started();
  await using _ = azure;
  azure.fail({ method: "PUT", lost: "request" });
  await expect(create("one")).rejects.toThrow(/socket hang up/);
  expect(names()).toEqual([]);
  azure.fail({ method: "PUT", lost: "answer" });
  await expect(create("one")).rejects.toThrow(/socket hang up/);
  expect(names()).toEqual(["one"]);
});

test("a request that hangs has no effect and ends with its caller", async () => {
  const { azure, resources, names } = await started();
  await using _ = azure;
  azure.fail({ method: "PUT", hang: true });
  const caller = new AbortController();
  const hanging = resources.resourceGroups.createOrUpdate(
    "one",
    { location },
    { abortSignal: caller.signal },
  );
  await expect.poll(() => azure.calls.at(-1)?.method).toBe("PUT");
  caller.abort();
  await expect(hanging).rejects.toThrow(/abort/);
  expect(names()).toEqual([]);
  expect(azure.calls.at(-1)?.status).toBeUndefined();
});

test("hooks see each call before and after its effect, and may break the connection at either", async () => {
  const { azure, create, names } = await started();
  await using _ = azure;
  await create("signed-in");
  const seen: unknown[] = [];
  const unhook = azure.onCall(({ method, path }, moment) => {
    seen.push([method, path.split("/").at(-1), moment, names().length]);
  });
  await create("one");
  unhook();
  expect(seen).toEqual([
    ["PUT", "one", "before", 1],
    ["PUT", "one", "after", 2],
  ]);
  for (const [moment, count] of [
    ["before", 2],
    ["after", 3],
  ] as const) {
    const undrop = azure.onCall((_call, now) => (now === moment ? "drop" : undefined));
    await expect(create("two")).rejects.toThrow(/socket hang up/);
    undrop();
    expect(names()).toHaveLength(count);
  }
});

test("a resource of a template fails alone, and rules of requests leave templates alone", async () => {
  const { azure, create, deployments, names } = await started();
  await using _ = azure;
  await create("made");
  const resource = (name: string) => ({
    type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    apiVersion: "2023-01-31",
    name,
    location,
  });
  azure.fail({ path: /userAssignedIdentities/, status: 500, code: "OfRequests" });
  azure.fail({
    path: /userAssignedIdentities\/bad$/,
    status: 409,
    code: "QuotaExceeded",
    message: "No more of these.",
    inDeployment: true,
  });
  const deploy = async () =>
    await deployments.deployments
      .createOrUpdate(
        "made",
        "deploy",
        {
          properties: {
            mode: "Incremental",
            template: {
              $schema:
                "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
              contentVersion: "1.0.0.0",
              resources: [resource("good"), resource("bad")],
            },
          },
        },
        { updateIntervalInMs: 10 },
      )
      .pollUntilDone();
  await expect(deploy()).rejects.toThrow(/DeploymentFailed/);
  const { properties } = await deployments.deployments.get("made", "deploy");
  expect(JSON.parse(properties?.error?.details?.[0]?.message ?? "")).toEqual({
    error: { code: "QuotaExceeded", message: "No more of these." },
  });
  expect(names()).toEqual(["made", "good"]);
  await deploy();
  expect(names()).toEqual(["made", "good", "bad"]);
});

test("people set faults and see resources by plain requests, which no fault befalls", async () => {
  const { azure, create } = await started();
  await using _ = azure;
  await create("one");
  const post = async (fault: unknown) => {
    const answer = await fetch(`${azure.url}/stand-in/faults`, {
      method: "POST",
      body: JSON.stringify(fault),
    });
    return [answer.status, JSON.stringify(await answer.json())] as const;
  };
  const fault = { status: 503, code: "ServiceUnavailable", path: "^/subscriptions", times: 1 };
  expect(await post(fault)).toEqual([201, JSON.stringify({ accepted: fault })]);
  for (const [wrong, named] of [
    [{ lost: "everything" }, "lost: "],
    [{ path: "(", hang: true }, "path: "],
    [{ path: "/", status: 429, cod: "TooManyRequests" }, "cod"],
    [{ status: 409 }, "code: is needed beside `status`, such as "],
    [{ status: 200, code: "OK" }, "status: "],
    [{ hang: true, times: 0 }, "times: "],
    [{ path: "/" }, "one of `status` (400 to 599, with a `code`), `lost` (request or answer)"],
    [{ path: "/", sttus: 429, times: 2 }, "`hang` (true), and no sttus."],
    [{ lost: "answer", hang: true, times: 0 }, "`hang` (true), not `lost` and `hang` together."],
    [[], "A fault has one of `status`"],
    [null, "JSON object"],
  ] as const) {
    const [status, text] = await post(wrong);
    expect(status).toBe(400);
    expect(text).toContain(named);
    if (wrong !== null) expect(text).toContain("`times` (1 or more)");
  }
  const seen = await fetch(`${azure.url}/stand-in/resources`);
  expect(await seen.json()).toMatchObject([
    { id: `/subscriptions/${subscriptionId}/resourceGroups/one`, location },
  ]);
  const listed = await fetch(`${azure.url}/stand-in/resources?format=text`);
  expect(listed.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await listed.text()).toBe("Microsoft.Resources/resourceGroups one\n");
  const misspelt = await fetch(`${azure.url}/stand-in/resources?format=txt`);
  expect([misspelt.status, await misspelt.text()]).toEqual([
    400,
    expect.stringContaining("`format`"),
  ]);
  await expect(create("two")).rejects.toMatchObject({ statusCode: 503 });
  await fetch(`${azure.url}/stand-in/faults`, { method: "DELETE" });
  await create("two");
});
