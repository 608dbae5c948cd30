/**
 * The objects of a cluster's API: kept by kind, namespace and name, with the bookkeeping that Kubernetes does of them. It must know
 * nothing of what the objects mean.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../src/runtime/clock.ts";

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly [member: string]: unknown;
}

/** As it is read and written, whatever its kind. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [member: string]: unknown;
}

/** Where objects of one kind are. */
export interface Place {
  /** Empty for the core group. */
  readonly group: string;
  /** In the plural, small letters. */
  readonly plural: string;
  /** Absent: of the cluster, or in all namespaces. */
  readonly namespace?: string;
}

/** An answer of the API that is no object: its `reason` is Kubernetes's word. */
export class StatusError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Kinds that are of the cluster and in no namespace, even where a manifest says otherwise. */
const clusterWide = new Set(["clusterversions", "nodes"]);

/** Where an object belongs, by its own words. */
export function placeOf({ apiVersion, kind, metadata }: KubernetesObject): Place {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const lower = kind.toLowerCase();
  const plural = `${lower}${/(s|ss)$/.test(lower) ? "es" : "s"}`;
  const { namespace } = metadata;
  if (namespace === undefined || clusterWide.has(plural)) return { group, plural };
  return { group, plural, namespace };
}

export class KubernetesObjects {
  readonly #clock: Clock;
  readonly #objects = new Map<string, { readonly place: Place; object: KubernetesObject }>();
  #version = 1000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All of a kind, with these labels: `a=b`, `a!=b`, `a` or `!a`, and commas between. */
  list(place: Place, labelSelector = ""): KubernetesObject[] {
    const { group, plural, namespace } = place;
    return [...this.#objects.values()]
      .filter(
        (each) =>
          each.place.group === group &&
          each.place.plural === plural &&
          (namespace === undefined || each.place.namespace === namespace),
      )
      .map(({ object }) => object)
      .filter(({ metadata }) => isSelected(metadata.labels ?? {}, labelSelector));
  }

  find(place: Place, name: string): KubernetesObject | undefined {
    return this.#objects.get(keyOf(place, name))?.object;
  }

  /** @throws {StatusError} 404 */
  get(place: Place, name: string): KubernetesObject {
    const object = this.find(place, name);
    if (object !== undefined) return object;
    const kind = place.group === "" ? place.plural : `${place.plural}.${place.group}`;
    throw new StatusError(404, "NotFound", `${kind} "${name}" not found`);
  }

  /** @throws {StatusError} 409 */
  create(object: KubernetesObject): KubernetesObject {
    const place = placeOf(object);
    const { name } = object.metadata;
    if (this.find(place, name) !== undefined) {
      throw new StatusError(409, "AlreadyExists", `${place.plural} "${name}" already exists`);
    }
    const { namespace: _namespace, ...metadata } = object.metadata;
    const made = {
      ...object,
      metadata: {
        ...metadata,
        ...(place.namespace === undefined ? {} : { namespace: place.namespace }),
        uid: randomUUID(),
        creationTimestamp: new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, "Z"),
        generation: 1,
        resourceVersion: this.#nextVersion(),
      },
    };
    this.#objects.set(keyOf(place, name), { place, object: made });
    return made;
  }

  /**
   * Puts another in its place, as far as that may change.
   *
   * @throws {StatusError} 404; 409 when a `resourceVersion` is given that isn't the present one.
   */
  replace(place: Place, name: string, next: KubernetesObject): KubernetesObject {
    const before = this.get(place, name);
    const given = next.metadata.resourceVersion;
    if (given !== undefined && given !== before.metadata.resourceVersion) {
      throw new StatusError(
        409,
        "Conflict",
        `Operation cannot be fulfilled on ${place.plural} "${name}": the object has been modified; please apply your changes to ` +
          "the latest version and try again",
      );
    }
    const { uid, creationTimestamp, generation = 1 } = before.metadata;
    const isSpecChanged = JSON.stringify(before["spec"]) !== JSON.stringify(next["spec"]);
    const object = {
      ...next,
      apiVersion: before.apiVersion,
      kind: before.kind,
      metadata: {
        ...next.metadata,
        name,
        uid,
        creationTimestamp,
        generation: generation + (isSpecChanged ? 1 : 0),
        resourceVersion: this.#nextVersion(),
      },
    };
    this.#objects.set(keyOf(place, name), { place, object });
    return object;
  }

  /** By a merge patch (RFC 7396). */
  patch(place: Place, name: string, patch: unknown): KubernetesObject {
    const merged = mergePatched(this.get(place, name), patch) as KubernetesObject;
    return this.replace(place, name, merged);
  }

  /** What the cluster itself finds out about an object that may be gone meanwhile. */
  setStatus(place: Place, name: string, status: object): void {
    const object = this.find(place, name);
    if (object !== undefined) this.replace(place, name, { ...object, status });
  }

  delete(place: Place, name: string): void {
    this.#objects.delete(keyOf(place, name));
  }

  #nextVersion(): string {
    return String(++this.#version);
  }
}

function keyOf({ group, plural, namespace }: Place, name: string): string {
  return [group, plural, namespace ?? "", name].join("/");
}

function isSelected(labels: Readonly<Record<string, string>>, selector: string): boolean {
  return selector
    .split(",")
    .filter(Boolean)
    .every((requirement) => {
      const [, not = "", name = "", operator = "", value = ""] =
        /^\s*(!?)([^=!\s]+)\s*(==?|!=)?\s*(\S*)\s*$/.exec(requirement) ?? [];
      if (name === "") {
        throw new StatusError(400, "BadRequest", `unable to parse requirement: ${requirement}`);
      }
      if (operator === "") return Object.hasOwn(labels, name) === (not === "");
      return (labels[name] === value) === (operator !== "!=");
    });
}

function mergePatched(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatched(result[name], value);
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
