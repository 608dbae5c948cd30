/**
 * The visibility table: who may set which member of the resource, and when; which are secret, and what an omitted one
 * is. It is made from the contract, so rules that use it hold for a new member without a list kept by hand.
 */

/**
 * `readOnly`: shown, never taken from a request. `createOnly`: set when the resource is created, then only accepted
 * with the value that it has. `mutable`: may always be set.
 */
export type Access = "readOnly" | "createOnly" | "mutable";

interface Leaf {
  readonly access: Access;
  /** Never shown, logged or stored in clear. */
  readonly secret?: true;
  /** The contract wants it in every PUT. */
  readonly required?: true;
  readonly default?: unknown;
}

/** A member that is set as a whole; an object that is only shown counts as one. */
export interface ValueNode extends Leaf {
  readonly kind: "value";
}

/** An object with arbitrary keys, set as a whole. */
export interface MapNode extends Leaf {
  readonly kind: "map";
}

/** An object whose members are set one by one. */
export interface ObjectNode {
  readonly kind: "object";
  readonly members: Readonly<Record<string, VisibilityNode>>;
}

/** A list whose items are told apart by the values of `identifiers`. */
export interface ArrayNode {
  readonly kind: "array";
  /** Mutable when any member of an item is. */
  readonly access: Exclude<Access, "readOnly">;
  /** Names of members of the items; empty when they have none. */
  readonly identifiers: readonly string[];
  readonly default?: readonly unknown[];
  readonly items: VisibilityNode;
}

export type VisibilityNode = ValueNode | MapNode | ObjectNode | ArrayNode;

/** The table of an api-version. */
export interface VisibilityTable {
  readonly resource: ObjectNode;
  /** The secrets in the answers of actions: operationId to JSON paths. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
}
