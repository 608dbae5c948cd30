/** Laws that hold in every api-version, for clusters made through any of them and grown by a newer release. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterChange } from "../../src/model/clusterChange.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import type { WireObject } from "../../src/versions/apiVersion.ts";
import { documents, grownDocuments, madeThrough } from "./arbitraryCluster.ts";
import { committed, sent, storedCluster, writesOf } from "./exampleCluster.ts";
import { eachVersion } from "./versionCases.ts";

describe.each(eachVersion)("%s", (_, versionCase) => {
  const { version, createBodies, needed, pullSecret } = versionCase;
  const { put, patch } = writesOf(version);
  const propertiesOf = (shown: WireObject) => shown["properties"] as WireObject;

  describe("PUT", () => {
    test("of what a GET shows changes nothing (ARM-34)", () => {
      fc.assert(
        fc.property(grownDocuments, (document) => {
          const asked = put(sent(version.show(document)), document);
          expect(asked.faults).toEqual([]);
          expect(clusterChange(document, asked)).toBe("none");
          expect(version.show(committed(asked, document))).toEqual(version.show(document));
        }),
      );
    });

    test("of it with one tag edited changes only the tag (ARM-34)", () => {
      fc.assert(
        fc.property(grownDocuments, (document) => {
          const before = version.show(document);
          const tags = { ...(before["tags"] as object), edited: "yes" };
          const asked = put({ ...before, tags }, document);
          expect(asked.faults).toEqual([]);
          expect(version.show(committed(asked, document))).toEqual({ ...before, tags });
          expect(clusterChange(document, asked)).toBe("tags");
        }),
      );
    });

    test("can be repeated: the second changes nothing (ARM-32)", () => {
      fc.assert(
        fc.property(createBodies, (body) => {
          const first = put(body);
          expect(first.faults).toEqual([]);
          const document: ClusterDocument = { ...storedCluster, ...first };
          const second = put(body, document);
          expect(second.faults).toEqual([]);
          expect(clusterChange(document, second)).toBe("none");
        }),
      );
    });

    test("of the least resets tags and count, and nothing else (decision 14)", () => {
      fc.assert(
        fc.property(grownDocuments, (document) => {
          const { tags: _tags, ...kept } = document.cluster;
          const properties = needed(propertiesOf(version.show(document)));
          const asked = put({ location: kept.location, properties }, document);
          expect(asked.faults).toEqual([]);
          expect(asked.cluster).toEqual({
            ...kept,
            workers: kept.workers.map((worker) => ({ ...worker, count: 3 })),
          });
          expect(asked.secrets).toEqual(document.secrets);
        }),
      );
    });

    test("that creates is what the next GET shows, tags of any name included (ARM-42, ARM-106)", () => {
      fc.assert(
        fc.property(createBodies, (body) => {
          const after = version.show({ ...storedCluster, ...put(body) });
          const secrets = /"(pullSecret|clientSecret)":"([^"\\]|\\.)*",?/g;
          const properties: unknown = JSON.parse(
            JSON.stringify(body.properties).replaceAll(secrets, "").replaceAll(",}", "}"),
          );
          expect(after).toMatchObject({ location: body.location, properties });
          expect(Object.entries(after["tags"] ?? {})).toEqual(Object.entries(body.tags ?? {}));
        }),
      );
    });

    test("of what another cluster shows makes it so, or is refused a change (ARM-37)", () => {
      const own = madeThrough(versionCase);
      fc.assert(
        fc.property(own, own, (document, other) => {
          const { provisioningState: _, ...goal } = propertiesOf(version.show(other));
          const asked = put({ location: "eastus", properties: goal }, document);
          const codes = new Set(asked.faults.map(({ code }) => code));
          const after = propertiesOf(version.show(committed(asked, document)));
          if (codes.size === 0) {
            const { workerProfiles, networkProfile } = goal;
            expect(after).toMatchObject({ workerProfiles, networkProfile });
          } else {
            expect(codes).toEqual(new Set(["PropertyChangeNotAllowed"]));
          }
        }),
      );
    });
  });

  describe("PATCH", () => {
    test("of nothing changes nothing (ARM-51)", () => {
      fc.assert(
        fc.property(grownDocuments, fc.constantFrom({}, { properties: {} }), (document, body) => {
          const asked = patch(body, document);
          expect(asked.faults).toEqual([]);
          expect(clusterChange(document, asked)).toBe("none");
        }),
      );
    });

    test("of what a GET shows changes nothing", () => {
      fc.assert(
        fc.property(grownDocuments, (document) => {
          const asked = patch(sent(version.show(document)), document);
          expect(asked.faults).toEqual([]);
          expect(clusterChange(document, asked)).toBe("none");
        }),
      );
    });

    test("that scales changes the count and nothing else (ARM-48)", () => {
      fc.assert(
        fc.property(grownDocuments, fc.integer({ min: 3, max: 20 }), (document, count) => {
          const { cluster, secrets, faults } = patch(
            { properties: { workerProfiles: [{ name: "worker", count }] } },
            document,
          );
          expect(faults).toEqual([]);
          expect(secrets).toEqual(document.secrets);
          expect(cluster).toEqual({
            ...document.cluster,
            workers: document.cluster.workers.map((worker) => ({ ...worker, count })),
          });
        }),
      );
    });

    test("that sets the pull secret changes it and nothing else", () => {
      const text = '{"auths":{"registry.example.com":{"auth":"eA=="}}}';
      fc.assert(
        fc.property(grownDocuments, (document) => {
          const asked = patch({ properties: pullSecret(text) }, document);
          expect(asked.faults).toEqual([]);
          expect(asked.cluster).toEqual(document.cluster);
          expect(asked.secrets).toEqual({ ...document.secrets, pullSecret: text });
        }),
      );
    });
  });

  test("no message and no target holds a piece of a pull secret, given or stored (ARM-119)", () => {
    const marker = "tOpSeCrEt";
    const spoilt = fc.constantFrom(
      marker,
      `{"auths":{"${marker}":`,
      `{"${marker}":1}`,
      `["${marker}"]`,
      `{"auths":"${marker}"}`,
    );
    fc.assert(
      fc.property(createBodies, documents, spoilt, (body, document, text) => {
        const base64 = Buffer.from(text).toString("base64");
        const given = pullSecret(text);
        const raw = JSON.parse(
          JSON.stringify(given).replace(base64, JSON.stringify(text).slice(1, -1)),
        );
        for (const properties of [given, raw as WireObject]) {
          const spoiltBody = { ...body, properties: mixed(body.properties, properties) };
          for (const { faults } of [
            put(spoiltBody),
            put(spoiltBody, document),
            patch({ properties }, document),
            put(
              { location: "nowhere", properties: {} },
              { ...document, secrets: { ...document.secrets, pullSecret: `{"a":"${marker}"}` } },
            ),
          ]) {
            const said = JSON.stringify(faults);
            expect(faults).not.toEqual([]);
            expect(said).not.toContain(marker);
            expect(said).not.toContain(base64);
          }
        }
      }),
    );
  });
});

/** One object over another, one level into it. */
function mixed(under: WireObject, over: WireObject): WireObject {
  const members = Object.entries(over).map(([name, value]) => [
    name,
    typeof value === "object" ? { ...(under[name] as object), ...value } : value,
  ]);
  return { ...under, ...(Object.fromEntries(members) as object) };
}
