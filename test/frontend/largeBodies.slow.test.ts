/** Whatever text of a body is as large as a body may be: it is refused, or the cluster stays small. Never a 5xx. */
import { expect, test } from "vitest";
import { commitBytesMax } from "../../src/store/store.ts";
import { servedVersions, type Body } from "../arm/servedVersions.ts";
import { openPeer } from "../store/cosmosFixture.ts";
import { clusterPath, StartedRp } from "./startedRp.ts";

const bodyBytesMax = 1_048_576;

/** The paths of all texts in a value. */
function textPaths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value === "string") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => textPaths(member, [...path, name]));
}

/** A copy of the body in which this text is changed. */
function changed(body: Body, path: readonly string[], change: (text: string) => string): unknown {
  const copy = structuredClone(body) as unknown as Record<string, unknown>;
  let parent = copy;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>;
  const last = path.at(-1) ?? "";
  parent[last] = change(String(parent[last]));
  return copy;
}

test.each(servedVersions)("$name: each text of a body, blown up in each way", async (version) => {
  const { name, full } = version;
  await using cosmos = await openPeer();
  await using rp = await StartedRp.start({ store: () => cosmos.store });
  const filling = bodyBytesMax - Buffer.byteLength(JSON.stringify(full));
  const changes: readonly ((text: string) => string)[] = [
    (text) => text + "x".repeat(filling),
    (text) => " ".repeat(filling) + text,
    (text) => text.replace(/.?$/, (last) => `${"\u{ff21}".repeat(Math.floor(filling / 3))}${last}`),
    (text) => text + '"'.repeat(Math.floor(filling / 2)),
  ];
  let count = 0;
  for (const path of textPaths(full)) {
    for (const change of changes) {
      count += 1;
      const target = `${clusterPath(`c${count}`)}?api-version=${name}`;
      // StartedRp fails at a 5xx
      const { status } = await rp.send("PUT", target, { body: changed(full, path, change) });
      expect([201, 400]).toContain(status);
    }
  }
  const sizes = cosmos.peer
    .items("OpenShiftClusterDocuments")
    .map((item) => Buffer.byteLength(JSON.stringify(item)));
  expect(sizes.length).toBeGreaterThan(0);
  // a document holds each secret twice while it changes
  expect(Math.max(...sizes)).toBeLessThan(commitBytesMax / 4);
});
