/** Every resource that would exist in Azure, by id regardless of case. It must never decide what is allowed: services do. */

/** A resource as it is stored. Resource groups and subscriptions' own things are resources as well. */
export interface AzureResource {
  /** In the casing of who made it. */
  readonly id: string;
  readonly name: string;
  /** Such as `Microsoft.Network/virtualNetworks`. */
  readonly type: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly managedBy?: string;
  readonly etag?: string;
  /** With its `provisioningState`. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** What else is beside the properties, such as `sku`, `zones`, `identity`. */
  readonly [member: string]: unknown;
}

export interface AzureChange {
  readonly before?: AzureResource;
  readonly after?: AzureResource;
}

export class AzureState {
  readonly #resources = new Map<string, AzureResource>();
  readonly #listeners: ((change: AzureChange) => void)[] = [];

  get(id: string): AzureResource | undefined {
    return this.#resources.get(id.toLowerCase());
  }

  /** Creates or replaces. */
  put(resource: AzureResource): void {
    const key = resource.id.toLowerCase();
    const before = this.#resources.get(key);
    this.#resources.set(key, resource);
    this.#tell({ ...(before === undefined ? {} : { before }), after: resource });
  }

  /** Deletes one resource, not those below it; `false` when there is none. */
  delete(id: string): boolean {
    const before = this.get(id);
    if (before === undefined) return false;
    this.#resources.delete(id.toLowerCase());
    this.#tell({ before });
    return true;
  }

  /**
   * All, in the order in which they were made.
   *
   * @param below an id: only what lies below it.
   */
  list(below?: string): AzureResource[] {
    const all = [...this.#resources.values()];
    if (below === undefined) return all;
    const start = `${below.toLowerCase()}/`;
    return all.filter(({ id }) => id.toLowerCase().startsWith(start));
  }

  /** Calls back right after each change. */
  onChanged(listener: (change: AzureChange) => void): void {
    this.#listeners.push(listener);
  }

  #tell(change: AzureChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
