/** The kubeconfig as a reader of YAML sees it, also with names that YAML could take for something else. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { adminKubeconfig } from "../../../src/installers/local/adminKubeconfig.ts";

const server = "https://api.first.openshift.test:6443";

describe("adminKubeconfig", () => {
  it("comes back from a parser as it was written", () => {
    const text = adminKubeconfig({
      clusterName: "first",
      server,
      certificateAuthority: "authority",
      admin: { certificate: "certificate", key: "key" },
    });
    expect(parse(text)).toEqual({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "first",
          cluster: { "certificate-authority-data": btoa("authority"), server },
        },
      ],
      contexts: [{ name: "admin", context: { cluster: "first", user: "admin" } }],
      "current-context": "admin",
      preferences: {},
      users: [
        {
          name: "admin",
          user: {
            "client-certificate-data": btoa("certificate"),
            "client-key-data": btoa("key"),
          },
        },
      ],
    });
  });

  it("keeps every cluster name a string, for readers of YAML 1.1 and 1.2", () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
    const check = (clusterName: string): void => {
      const text = adminKubeconfig({
        clusterName,
        server,
        certificateAuthority: "long ".repeat(1_000),
        admin: { certificate: "", key: "" },
      });
      for (const version of ["1.1", "1.2"] as const) {
        const { clusters, contexts } = parse(text, { version }) as {
          readonly clusters: readonly { readonly name: unknown }[];
          readonly contexts: readonly { readonly context: { readonly cluster: unknown } }[];
        };
        expect(clusters[0]?.name).toBe(clusterName);
        expect(contexts[0]?.context.cluster).toBe(clusterName);
      }
    };
    fc.assert(fc.property(name, check), {
      examples: [
        "1",
        "0x10",
        "1e3",
        "on",
        "no",
        "y",
        "null",
        "true",
        "2026-01-01",
        "0o7",
        "010",
      ].map((example) => [example]),
    });
  });
});
