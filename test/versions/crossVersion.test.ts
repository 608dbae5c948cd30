/**
 * A cluster written through one api-version is read, changed and scaled through another, and neither loses what only the
 * other knows (ARM-16, decision 24): laws for every pair of versions, with members of a newer release at any depth.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ObjectNode } from "../../generated/types/visibility.ts";
import { clusterChange } from "../../src/model/clusterChange.ts";
import type { WireObject } from "../../src/versions/apiVersion.ts";
import { fillOmitted, nothingBefore } from "../../src/versions/omittedMembers.ts";
import { writablePart } from "../../src/versions/readOnlyMembers.ts";
import { versions, visibility } from "../contract/generated.ts";
import { grownFrom, madeThrough } from "./arbitraryCluster.ts";
import { committed, sent, writesOf } from "./exampleCluster.ts";
import { versionCases } from "./versionCases.ts";

const pairs = versionCases.flatMap((one) =>
  versionCases.map((other) => [one.version.name, other.version.name, one, other] as const),
);

function tableOf(name: string): ObjectNode {
  const found = versions.find((version) => version === name);
  if (found === undefined) throw new TypeError(`no table of ${name}`);
  return writablePart(visibility(found).resource);
}

/** What a client makes of an answer that fills in the contract's defaults by itself, as generated ones do. */
function withDefaults(name: string, shown: WireObject): WireObject {
  return fillOmitted(tableOf(name), shown, nothingBefore) as WireObject;
}

describe.each(pairs)(
  "made through %s, changed through %s",
  (_, name, maker, { version, pullSecret }) => {
    const made = grownFrom(madeThrough(maker));
    const { put, patch } = writesOf(version);
    const scaled = fc.integer({ min: 3, max: 20 });

    test("a GET can be sent back, also with the contract's defaults filled in", () => {
      fc.assert(
        fc.property(made, (document) => {
          const shown = sent(version.show(document));
          for (const body of [shown, withDefaults(name, shown)]) {
            const asked = put(body, document);
            expect(asked.faults).toEqual([]);
            expect(asked.cluster).toEqual(document.cluster);
            expect(asked.secrets).toEqual(document.secrets);
          }
        }),
      );
    });

    test("tags change alone, by PUT and by PATCH", () => {
      const tags = { team: "blue" };
      fc.assert(
        fc.property(made, (document) => {
          for (const asked of [
            put({ ...version.show(document), tags }, document),
            patch({ tags }, document),
          ]) {
            expect(asked.faults).toEqual([]);
            expect(asked.cluster).toEqual({ ...document.cluster, tags });
            expect(asked.secrets).toEqual(document.secrets);
          }
        }),
      );
    });

    test("the count changes alone, by PUT and by PATCH, and the maker shows it", () => {
      fc.assert(
        fc.property(made, scaled, (document, count) => {
          const shown = version.show(document);
          const { workerProfiles, ...others } = shown["properties"] as Record<string, unknown>;
          const pools = (workerProfiles as object[]).map((pool) => ({ ...pool, count }));
          for (const asked of [
            put({ ...shown, properties: { ...others, workerProfiles: pools } }, document),
            patch({ properties: { workerProfiles: [{ name: "worker", count }] } }, document),
          ]) {
            expect(asked.faults).toEqual([]);
            expect(asked.cluster).toEqual({
              ...document.cluster,
              workers: document.cluster.workers.map((worker) => ({ ...worker, count })),
            });
            expect(asked.secrets).toEqual(document.secrets);
            const seen = maker.version.show(committed(asked, document))["properties"] as WireObject;
            const before = maker.version.show(document)["properties"] as WireObject;
            expect(seen).toEqual({
              ...before,
              workerProfiles: (before["workerProfiles"] as object[]).map((pool) => ({
                ...pool,
                count,
              })),
            });
          }
        }),
      );
    });

    test("a new pull secret changes alone, and the maker takes it for the stored one", () => {
      const text = '{"auths":{"registry.example.com":{"auth":"eA=="}}}';
      fc.assert(
        fc.property(made, (document) => {
          const asked = patch({ properties: pullSecret(text) }, document);
          expect(asked.faults).toEqual([]);
          expect(asked.cluster).toEqual(document.cluster);
          expect(asked.secrets).toEqual({ ...document.secrets, pullSecret: text });
          const after = committed(asked, document);
          const { patch: patchByMaker } = writesOf(maker.version);
          const again = patchByMaker({ properties: maker.pullSecret(text) }, after);
          expect(again.faults).toEqual([]);
          expect(clusterChange(after, again)).toBe("none");
        }),
      );
    });

    test("members come and go in the store without touching each other", () => {
      fc.assert(
        fc.property(made, scaled, (document, count) => {
          const first = patch({ tags: { by: name } }, document);
          const between = committed(first, document);
          const second = writesOf(maker.version).patch(
            { properties: { workerProfiles: [{ name: "worker", count }] } },
            between,
          );
          expect(second.faults).toEqual([]);
          expect(second.cluster).toEqual({
            ...document.cluster,
            tags: { by: name },
            workers: document.cluster.workers.map((worker) => ({ ...worker, count })),
          });
          expect(second.secrets).toEqual(document.secrets);
        }),
      );
    });
  },
);
