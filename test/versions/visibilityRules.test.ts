/**
 * The rules that follow from a visibility table, over tables that no api-version has yet: a list whose items are fixed, a
 * secret that is set once, members that the stored cluster lacks.
 */
import { describe, expect, test } from "vitest";
import type { ObjectNode } from "../../generated/types/visibility.ts";
import { immutableFaults } from "../../src/versions/immutableMembers.ts";
import { mergePatch, removalFaults } from "../../src/versions/mergePatch.ts";
import { fillOmitted, missingMembers, nothingBefore } from "../../src/versions/omittedMembers.ts";
import { writablePart } from "../../src/versions/readOnlyMembers.ts";

const table: ObjectNode = {
  kind: "object",
  members: {
    fixed: { kind: "value", access: "createOnly", default: "d" },
    labels: { kind: "map", access: "createOnly" },
    password: { kind: "value", access: "createOnly", secret: true },
    token: { kind: "value", access: "mutable", secret: true },
    plan: { kind: "value", access: "mutable", required: true },
    shown: { kind: "object", members: { url: { kind: "value", access: "readOnly" } } },
    ports: {
      kind: "array",
      access: "createOnly",
      identifiers: ["zone", "name"],
      items: {
        kind: "object",
        members: {
          zone: { kind: "value", access: "createOnly", required: true },
          name: { kind: "value", access: "createOnly", required: true },
          open: { kind: "value", access: "mutable", default: true },
          url: { kind: "value", access: "readOnly" },
        },
      },
    },
  },
};
const writable = writablePart(table);

const stored = {
  fixed: "f",
  labels: { a: "1" },
  password: "p",
  token: "t",
  plan: "large",
  shown: { url: "u" },
  ports: [
    { zone: "1", name: "a", open: false, url: "u" },
    { zone: "2", name: "a", open: true },
  ],
};

function put(body: unknown): unknown {
  return fillOmitted(writable, body, { exists: true, value: stored });
}

function changed(goal: unknown, before: unknown = stored): (string | undefined)[] {
  return immutableFaults(writable, goal, before, {}).map(({ target }) => target);
}

describe("PUT", () => {
  test("secrets and a list whose items are fixed stay when omitted; mutable members of the items are reset", () => {
    expect(put({ plan: "small" })).toEqual({
      fixed: "f",
      labels: { a: "1" },
      password: "p",
      token: "t",
      plan: "small",
      ports: [
        { zone: "1", name: "a", open: true },
        { zone: "2", name: "a", open: true },
      ],
    });
  });

  test("read-only members of the body are left out, at any depth", () => {
    const goal = put({ shown: { url: "mine" }, ports: [{ zone: "1", name: "a", url: "mine" }] });
    expect(JSON.stringify(goal)).not.toContain("mine");
  });

  test("a member that the stored cluster lacks stays absent; its default may be written out", () => {
    const before = { plan: "large" };
    const goal = fillOmitted(writable, { plan: "large" }, { exists: true, value: before });
    expect(goal).not.toHaveProperty("fixed");
    expect(changed(goal, before)).toEqual([]);
    expect(changed({ ...before, fixed: "d" }, before)).toEqual([]);
    expect(changed({ ...before, fixed: "e" }, before)).toEqual(["fixed"]);
    expect(changed({ ...before, password: "p" }, before)).toEqual(["password"]);
  });

  test("what is missing after all is a fault", () => {
    const goal = fillOmitted(writable, { ports: [{ zone: "1" }] }, nothingBefore);
    expect(missingMembers(writable, goal).map(({ target }) => target)).toEqual([
      "plan",
      "ports[0].name",
    ]);
  });
});

describe("changes", () => {
  test("items are told apart by all their identifiers, not by their place", () => {
    expect(changed({ ...stored, ports: stored.ports.toReversed() })).toEqual([]);
    expect(changed({ ...stored, ports: stored.ports.slice(1) })).toEqual(["ports"]);
    expect(changed({ ...stored, ports: [...stored.ports, { zone: "2", name: "b" }] })).toEqual([
      "ports",
    ]);
  });

  test("maps are compared by their entries", () => {
    expect(changed({ ...stored, labels: { a: "1" } })).toEqual([]);
    for (const labels of [{}, { a: "2" }, { a: "1", b: "2" }, { b: "1" }, null, 5]) {
      expect(changed({ ...stored, labels })).toEqual(["labels"]);
    }
  });
});

describe("PATCH", () => {
  test("null resets to the default, or to nothing", () => {
    const goal = mergePatch(writable, { fixed: null, labels: null }, stored) as object;
    expect(goal).toMatchObject({ fixed: "d" });
    expect(goal).not.toHaveProperty("labels");
    expect(changed(goal)).toEqual(["fixed", "labels"]);
  });

  test("what is required or secret cannot be removed, and stays", () => {
    const body = {
      password: null,
      token: null,
      plan: null,
      ports: [{ zone: "1", name: "a", open: null }],
    };
    expect(removalFaults(writable, body, stored).map(({ target }) => target)).toEqual([
      "password",
      "token",
      "plan",
    ]);
    expect(mergePatch(writable, body, stored)).toMatchObject({
      password: "p",
      token: "t",
      plan: "large",
      ports: [{ zone: "1", name: "a", open: true }],
    });
  });

  test("an item that is new gets its defaults", () => {
    const body = {
      ports: [
        { zone: "3", name: "a", open: null },
        { zone: "1", name: "a" },
      ],
    };
    expect(mergePatch(writable, body, stored)).toMatchObject({
      ports: [
        { zone: "3", name: "a", open: true },
        { zone: "1", name: "a", open: false },
      ],
    });
  });
});
