/**
 * Template deployments of a resource group: checked when they are asked for, then made resource by resource in the background.
 * It must put resources only through `armResources.ts`, so that a template is held to what a request is.
 */
import { randomUUID } from "node:crypto";
import { groupId, sameId } from "./armIds.ts";
import type { ArmResources } from "./armResources.ts";
import type { AsyncOperations } from "./asyncOperations.ts";
import {
  AzureError,
  type AzureAnswer,
  type AzureRequest,
  type AzureSurroundings,
} from "./azureService.ts";
import type { Entra } from "./entra.ts";
import type { FaultInjection } from "./faults.ts";
import { parseBody } from "./resourceBody.ts";
import {
  planDeployment,
  type DeploymentPlan,
  type DeploymentTemplate,
  type PlannedResource,
} from "./templateDeployment.ts";
import { TemplateError } from "./templateFunctions.ts";

type DeploymentState = "Accepted" | "Running" | "Succeeded" | "Failed" | "Canceled";

interface Deployment {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly plan: DeploymentPlan;
  readonly mode: string;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly startedAt: number;
  state: DeploymentState;
  outputs: Record<string, object>;
  error: AzureError | undefined;
  readonly operations: object[];
}

/** What a request for a deployment says. */
interface DeploymentBody {
  readonly properties?: DeploymentProperties;
  readonly tags?: Readonly<Record<string, string>>;
}

interface DeploymentProperties {
  readonly mode?: string;
  readonly template?: DeploymentTemplate;
  readonly parameters?: Readonly<Record<string, { readonly value?: unknown }>>;
}

/** Of a group's deployments; the list of one's operations is asked for without the provider. */
const deploymentPath =
  /^\/subscriptions\/([^/]+)\/resourcegroups\/([^/]+)(?:\/providers\/microsoft\.resources)?\/deployments(?:\/([^/]+)(?:\/([^/]+))?)?$/i;

const statusNames: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  412: "PreconditionFailed",
  429: "TooManyRequests",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

export class Deployments {
  readonly #surroundings: AzureSurroundings;
  readonly #operations: AsyncOperations;
  readonly #resources: ArmResources;
  readonly #entra: Entra;
  readonly #faults: FaultInjection;
  readonly #deployments = new Map<string, Deployment>();

  constructor(
    surroundings: AzureSurroundings,
    parts: {
      readonly operations: AsyncOperations;
      readonly resources: ArmResources;
      readonly entra: Entra;
      readonly faults: FaultInjection;
    },
  ) {
    this.#surroundings = surroundings;
    this.#operations = parts.operations;
    this.#resources = parts.resources;
    this.#entra = parts.entra;
    this.#faults = parts.faults;
  }

  /** A group's deployments go with it; as long as it is being deleted they run on, and are refused each thing. */
  dropGroup(group: string): void {
    for (const [key, deployment] of this.#deployments) {
      if (!sameId(deployment.group, group)) continue;
      if (isActive(deployment)) deployment.state = "Canceled";
      this.#deployments.delete(key);
    }
  }

  handle({ method, url, body }: AzureRequest): AzureAnswer | undefined {
    const match = deploymentPath.exec(url.pathname);
    const subscriptionId = match?.[1];
    const groupName = match?.[2];
    if (subscriptionId === undefined || groupName === undefined) return undefined;
    const group = this.#group(groupId(subscriptionId, groupName), groupName);
    const name = match?.[3];
    if (name === undefined) return method === "GET" ? this.#list(group) : undefined;
    const id = `${group}/providers/Microsoft.Resources/deployments/${name}`;
    const part = match?.[4]?.toLowerCase();
    switch (`${method} ${part ?? ""}`.trim()) {
      case "PUT":
        return this.#put(subscriptionId, { id, name, group }, parseBody(body));
      case "POST validate":
        this.#plan(subscriptionId, { name, group }, parseBody(body));
        return { status: 200, body: { id, name, properties: { provisioningState: "Succeeded" } } };
      case "GET":
        return { status: 200, body: show(this.#existing(id, name)) };
      case "HEAD":
        return { status: this.#deployments.has(id.toLowerCase()) ? 204 : 404 };
      case "DELETE":
        return this.#delete(subscriptionId, id);
      case "POST cancel":
        return this.#cancel(id, name);
      case "GET operations":
        return { status: 200, body: { value: this.#existing(id, name).operations } };
      default:
        return undefined;
    }
  }

  #group(id: string, name: string): string {
    const group = this.#surroundings.state.get(id);
    if (group === undefined) {
      throw new AzureError(
        404,
        "ResourceGroupNotFound",
        `Resource group '${name}' could not be found.`,
      );
    }
    return group.id;
  }

  #existing(id: string, name: string): Deployment {
    const deployment = this.#deployments.get(id.toLowerCase());
    if (deployment !== undefined) return deployment;
    throw new AzureError(404, "DeploymentNotFound", `Deployment '${name}' could not be found.`);
  }

  #list(group: string): AzureAnswer {
    const value = [...this.#deployments.values()]
      .filter((deployment) => sameId(deployment.group, group))
      .map((deployment) => show(deployment));
    return { status: 200, body: { value } };
  }

  #put(
    subscriptionId: string,
    place: { readonly id: string; readonly name: string; readonly group: string },
    body: DeploymentBody,
  ): AzureAnswer {
    const { id, name, group } = place;
    const state = this.#surroundings.state.get(group)?.properties["provisioningState"];
    if (state === "Deleting") {
      throw new AzureError(
        409,
        "ResourceGroupBeingDeleted",
        `The resource group '${group.split("/").at(-1)}' is in deprovisioning state and cannot perform this operation.`,
      );
    }
    const existing = this.#deployments.get(id.toLowerCase());
    if (existing !== undefined && isActive(existing)) {
      const since = new Date(existing.startedAt).toISOString();
      throw new AzureError(
        409,
        "DeploymentActive",
        `Unable to edit or replace deployment '${name}': previous deployment from '${since}' is still active. Please see ` +
          "https://aka.ms/arm-deploy for usage details.",
      );
    }
    const deployment: Deployment = {
      id,
      name,
      group,
      plan: this.#plan(subscriptionId, place, body),
      mode: body.properties?.mode ?? "",
      tags: body.tags,
      startedAt: this.#surroundings.clock.now(),
      state: "Accepted",
      outputs: {},
      error: undefined,
      operations: [],
    };
    this.#deployments.set(id.toLowerCase(), deployment);
    const { "azure-asyncoperation": operation = "" } = this.#operations.begin(
      subscriptionId,
      async () => await this.#run(deployment),
    );
    return {
      status: existing === undefined ? 201 : 200,
      headers: { "azure-asyncoperation": operation },
      body: show(deployment),
    };
  }

  #plan(
    subscriptionId: string,
    { name, group }: { readonly name: string; readonly group: string },
    body: DeploymentBody,
  ): DeploymentPlan {
    const { mode, template, parameters } = body.properties ?? {};
    if (!/^[-\w.()]{1,64}$/.test(name)) {
      throw new AzureError(
        400,
        "InvalidDeploymentName",
        `The deployment name '${name}' is invalid. It may have 64 characters of letters, digits, '-', '.', '_' and parentheses.`,
      );
    }
    if (template === undefined || mode !== "Incremental") {
      throw new AzureError(
        400,
        "InvalidRequestContent",
        "The request content was invalid: a deployment needs its 'template' and the mode 'Incremental', the only one of the " +
          "stand-in.",
      );
    }
    const { location = "" } = this.#surroundings.state.get(group) ?? {};
    try {
      return planDeployment(template, parameters ?? {}, {
        subscriptionId,
        tenantId: this.#entra.tenantId,
        resourceGroup: { id: group, name: group.split("/").at(-1) ?? "", location },
        deploymentName: name,
        reference: (id, full) => this.#reference(id, full),
        listKeys: (id) => ({
          keys: [
            {
              keyName: "key1",
              permissions: "FULL",
              value: this.#surroundings.accountKeys.of(id.split("/").at(-1) ?? ""),
            },
          ],
        }),
      });
    } catch (error) {
      if (error instanceof TemplateError) throw invalidTemplate(error);
      throw error;
    }
  }

  #reference(id: string, full: boolean): unknown {
    const resource = this.#resources.find(id);
    if (resource === undefined) {
      throw new AzureError(
        404,
        "ResourceNotFound",
        `The Resource '${id}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
      );
    }
    const view = this.#resources.view(resource);
    return full ? view : view["properties"];
  }

  #cancel(id: string, name: string): AzureAnswer {
    const deployment = this.#existing(id, name);
    if (!isActive(deployment)) {
      throw new AzureError(
        409,
        "DeploymentCannotBeCancelled",
        `The deployment '${name}' cannot be cancelled: it has ended.`,
      );
    }
    deployment.state = "Canceled";
    return { status: 204 };
  }

  #delete(subscriptionId: string, id: string): AzureAnswer {
    const deployment = this.#deployments.get(id.toLowerCase());
    if (deployment === undefined) return { status: 204 };
    if (isActive(deployment)) {
      throw new AzureError(
        409,
        "DeploymentActive",
        `Unable to delete deployment '${deployment.name}': it is still active.`,
      );
    }
    const { location = "" } = this.#operations.begin(subscriptionId, async () => {
      await this.#operations.takeTime();
      this.#deployments.delete(id.toLowerCase());
    });
    return { status: 202, headers: { location } };
  }

  async #run(deployment: Deployment): Promise<void> {
    await this.#operations.takeTime();
    if (deployment.state === "Accepted") deployment.state = "Running";
    const failures: { readonly id: string; readonly error: AzureError }[] = [];
    const done = new Map<string, Promise<boolean>>();
    const make = async (resource: PlannedResource): Promise<boolean> => {
      const before = await Promise.all(
        resource.dependsOn.map(async (id) => await done.get(id.toLowerCase())),
      );
      if (before.includes(false)) return false;
      await this.#faults.background({ kind: "deploy", id: resource.id });
      if (deployment.state !== "Running") return false;
      try {
        await this.#make(deployment, resource);
        return true;
      } catch (error) {
        if (this.#surroundings.stopped.aborted) throw error;
        failures.push({ id: resource.id, error: asAzureError(error) });
        return false;
      }
    };
    for (const resource of inOrder(deployment.plan.resources)) {
      done.set(resource.id.toLowerCase(), make(resource));
    }
    await Promise.all(done.values());
    if (deployment.state !== "Running") {
      throw new AzureError(409, "Canceled", `The deployment '${deployment.name}' was canceled.`);
    }
    if (failures.length > 0) {
      deployment.error = deploymentFailed(failures.map(({ error }) => error));
      deployment.state = "Failed";
      throw deployment.error;
    }
    try {
      deployment.outputs = deployment.plan.outputs();
    } catch (error) {
      deployment.error = deploymentFailed([asAzureError(error)]);
      deployment.state = "Failed";
      throw deployment.error;
    }
    deployment.state = "Succeeded";
  }

  async #make(deployment: Deployment, resource: PlannedResource): Promise<void> {
    const operationId = randomUUID().replaceAll("-", "").slice(0, 16).toUpperCase();
    const record = (
      provisioningState: string,
      statusCode: string,
      statusMessage?: object,
    ): void => {
      const { id, type } = resource;
      deployment.operations.push({
        id: `${deployment.id}/operations/${operationId}`,
        operationId,
        properties: {
          provisioningOperation: "Create",
          provisioningState,
          timestamp: new Date(this.#surroundings.clock.now()).toISOString(),
          statusCode,
          ...(statusMessage === undefined ? {} : { statusMessage }),
          targetResource: { id, resourceType: type, resourceName: id.split("/").at(-1) },
        },
      });
    };
    try {
      const fault = this.#faults.takeInDeployment(resource.id);
      if (fault !== undefined) throw fault;
      const { created, finish } = this.#resources.put(resource.id, resource.body());
      await this.#faults.background({ kind: "provision", id: resource.id });
      await finish?.();
      record("Succeeded", created ? "Created" : "OK");
    } catch (error) {
      if (this.#surroundings.stopped.aborted) throw error;
      const azureError = asAzureError(error);
      record("Failed", statusName(azureError), { error: azureError.error });
      throw azureError;
    }
  }
}

function isActive({ state }: Deployment): boolean {
  return state === "Accepted" || state === "Running";
}

/** Each after all that it depends on. */
function inOrder(resources: readonly PlannedResource[]): PlannedResource[] {
  const ordered: PlannedResource[] = [];
  const seen = new Set<string>();
  const add = (resource: PlannedResource): void => {
    if (seen.has(resource.id)) return;
    seen.add(resource.id);
    for (const id of resource.dependsOn) {
      const before = resources.find((one) => sameId(one.id, id));
      if (before !== undefined) add(before);
    }
    ordered.push(resource);
  };
  for (const resource of resources) add(resource);
  return ordered;
}

function show(deployment: Deployment): object {
  const { id, name, plan, mode, tags, state, outputs, error } = deployment;
  return {
    id,
    name,
    type: "Microsoft.Resources/deployments",
    ...(tags === undefined ? {} : { tags }),
    properties: {
      mode,
      provisioningState: state,
      parameters: plan.shownParameters,
      timestamp: new Date(deployment.startedAt).toISOString(),
      outputs,
      outputResources:
        state === "Succeeded" ? plan.resources.map((resource) => ({ id: resource.id })) : [],
      ...(error === undefined ? {} : { error: error.error }),
    },
  };
}

function invalidTemplate(error: TemplateError): AzureError {
  return new AzureError(
    400,
    "InvalidTemplate",
    `Deployment template validation failed: '${error.message}'.`,
  );
}

function statusName({ status }: AzureError): string {
  return statusNames[status] ?? String(status);
}

function asAzureError(error: unknown): AzureError {
  if (error instanceof AzureError) return error;
  if (error instanceof TemplateError) {
    return new AzureError(
      400,
      "InvalidTemplate",
      `Unable to process template language expressions: '${error.message}'.`,
    );
  }
  throw error;
}

/** What a failed deployment says: of each resource, the status of its answer and, as JSON within a string, the answer. */
function deploymentFailed(errors: readonly AzureError[]): AzureError {
  return new AzureError(
    409,
    "DeploymentFailed",
    "At least one resource deployment operation failed. Please list deployment operations for details. Please see " +
      "https://aka.ms/arm-deployment-operations for usage details.",
    {
      details: errors.map((error) => ({
        code: statusName(error),
        message: JSON.stringify({ error: error.error }, undefined, 2).replaceAll("\n", "\r\n"),
      })),
    },
  );
}
