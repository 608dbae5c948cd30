/**
 * `@azure/arm-resources`, which knows nothing of clusters, takes one of the real program through its life by its
 * resource id, as templates and scripts do.
 */
import { describe, expect, test } from "vitest";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";
import { exampleRequests, resourceGroup, served, subscription, type Body } from "./contracts.ts";
import { credential, tool } from "./tools.ts";

interface Resource {
  readonly id: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: { readonly provisioningState: string };
}

interface Poller<T> {
  pollUntilDone(): Promise<T>;
}

/** What is used of the package. */
interface ArmResources {
  readonly ResourceManagementClient: new (
    credential: object,
    subscriptionId: string,
    options: object,
  ) => {
    readonly pipeline: { removePolicy(policy: { readonly name: string }): void };
    readonly resources: {
      getById(id: string, apiVersion: string): Promise<Resource>;
      createOrUpdateById(id: string, apiVersion: string, body: Body): Poller<Resource>;
      updateById(id: string, apiVersion: string, body: Body): Poller<Resource>;
      deleteById(id: string, apiVersion: string): Poller<void>;
    };
  };
}

describe.each(served)("$version", (contract) => {
  test("the generic client takes a cluster through its life", async () => {
    using folder = temporaryFolder();
    await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "1" });
    const { ResourceManagementClient } = tool<ArmResources>("@azure/arm-resources");
    const client = new ResourceManagementClient(credential, subscription, {
      endpoint: rp.url,
      allowInsecureConnection: true,
    });
    // tokens are sent by https alone
    client.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
    const { resources } = client;
    const { version } = contract;
    const { create, tag, scale } = exampleRequests(contract);
    const id =
      `/subscriptions/${subscription}/resourceGroups/${resourceGroup}` +
      "/providers/RedHat.OpenShift/OpenShiftClusters/production";

    const created = await resources.createOrUpdateById(id, version, create).pollUntilDone();
    expect(created).toMatchObject({ id, properties: { provisioningState: "Succeeded" } });
    expect(await resources.getById(id, version)).toEqual(created);

    const tagged = await resources.updateById(id, version, tag).pollUntilDone();
    expect(tagged.tags).toEqual(tag["tags"]);
    const scaled = await resources.updateById(id, version, scale).pollUntilDone();
    expect(scaled).toMatchObject({ ...scale, tags: tagged.tags });

    await resources.deleteById(id, version).pollUntilDone();
    await expect(resources.getById(id, version)).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
  });
});
