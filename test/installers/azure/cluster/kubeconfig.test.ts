/** Kubeconfigs, right and hostile: what is used of one, and that all that would reach beyond its text is refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import {
  KubeconfigError,
  readKubeconfig,
} from "../../../../src/installers/azure/cluster/kubeconfig.ts";

const pem = (what: string): string => `-----BEGIN ${what}-----\nQUJD\n-----END ${what}-----\n`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const cluster = {
  "certificate-authority-data": base64(pem("CERTIFICATE")),
  server: "https://api.first.example.com:6443",
};
const user = {
  "client-certificate-data": base64(pem("CERTIFICATE")),
  "client-key-data": base64(pem("PRIVATE KEY")),
};

function kubeconfig(
  changes: {
    readonly cluster?: Readonly<Record<string, unknown>>;
    readonly user?: Readonly<Record<string, unknown>>;
    readonly file?: Readonly<Record<string, unknown>>;
  } = {},
): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "first", cluster: { ...cluster, ...changes.cluster } }],
    contexts: [{ name: "admin", context: { cluster: "first", user: "admin" } }],
    "current-context": "admin",
    preferences: {},
    users: [{ name: "admin", user: changes.user ?? user }],
    ...changes.file,
  });
}

function faultOf(text: string): string {
  try {
    readKubeconfig(text);
  } catch (error) {
    expect(error).toBeInstanceOf(KubeconfigError);
    return (error as KubeconfigError).message;
  }
  throw new Error("it was accepted");
}

describe("a kubeconfig", () => {
  it("is read as the installation's program writes it", () => {
    expect(readKubeconfig(kubeconfig())).toEqual({
      server: "https://api.first.example.com:6443",
      certificateAuthority: pem("CERTIFICATE"),
      clientCertificate: { certificate: pem("CERTIFICATE"), key: pem("PRIVATE KEY") },
    });
  });

  it("may have a token, a server's name, and no authority", () => {
    const text = kubeconfig({
      cluster: { "certificate-authority-data": "", "tls-server-name": "api.other" },
      user: { token: "sha256~abc" },
    });
    expect(readKubeconfig(text)).toEqual({
      server: "https://api.first.example.com:6443",
      serverName: "api.other",
      token: "sha256~abc",
    });
  });

  it.each([
    [{ exec: { command: "/bin/sh", args: ["-c", "true"] } }, "'exec'"],
    [{ "auth-provider": { name: "gcp", config: { "cmd-path": "/bin/sh" } } }, "'auth-provider'"],
    [{ tokenFile: "/etc/passwd" }, "'tokenFile'"],
    [{ "token-file": "/etc/passwd" }, "'token-file'"],
    [{ "client-certificate": "/etc/passwd" }, "'client-certificate'"],
    [{ "client-key": "/etc/passwd" }, "'client-key'"],
    [{ username: "admin", password: "secret" }, "'username'"],
    [{ as: "system:admin" }, "'as'"],
    [{ "somebody's-next-idea": 1 }, "'somebody's-next-idea'"],
  ])("with the user's %o is refused, also beside a certificate", (members, told) => {
    expect(faultOf(kubeconfig({ user: members }))).toContain(told);
    expect(faultOf(kubeconfig({ user: { ...user, ...members } }))).toContain(told);
  });

  it.each([
    [{ "certificate-authority": "/etc/passwd" }, "'certificate-authority'"],
    [{ "insecure-skip-tls-verify": true }, "'insecure-skip-tls-verify'"],
    [{ "proxy-url": "socks5://127.0.0.1:1" }, "'proxy-url'"],
    [{ server: "http://api.example.com" }, "https"],
    [{ server: "https://name:word@api.example.com" }, "more than host and path"],
    [{ server: "https://api.example.com/?a=b" }, "more than host and path"],
    [{ server: "unix:///run/docker.sock" }, "https"],
    [{ server: 6443 }, "unreadable"],
    [{ "certificate-authority-data": "not base64!" }, "unreadable"],
    [{ "certificate-authority-data": base64("not PEM") }, "unreadable"],
    [{ "tls-server-name": "a\r\nb" }, "unreadable"],
  ])("with the cluster's %o is refused", (members, told) => {
    expect(faultOf(kubeconfig({ cluster: members }))).toContain(told);
  });

  it.each([
    ["", "no kubeconfig"],
    ["[]", "no kubeconfig"],
    ["{a: ", "not YAML"],
    ["a: &a [1, 2]\nb: *a", "not YAML"],
    ["x".repeat(600_000), "characters"],
    [kubeconfig({ file: { "current-context": "other" } }), "names a context"],
    [kubeconfig({ file: { users: [] } }), "names a user"],
    [kubeconfig({ file: { clusters: [null] } }), "no kubeconfig"],
    [
      kubeconfig({
        file: {
          users: [
            { name: "admin", user },
            { name: "admin", user: { exec: {} } },
          ],
        },
      }),
      "two users",
    ],
    [kubeconfig({ user: {} }), "without client certificate and token"],
    [kubeconfig({ user: { "client-key-data": user["client-key-data"] } }), "or the reverse"],
    [kubeconfig({ user: { token: "a\r\nX-Other: b" } }), "unreadable"],
  ])("that is %o is refused", (text, told) => {
    expect(faultOf(text)).toContain(told);
  });

  it("is never shown by a refusal, whatever it holds", () => {
    const secret = "c2VjcmV0LW9mLXRoZS1hZG1pbg";
    const place = fc.constantFrom(
      "token",
      "client-key-data",
      "client-certificate-data",
      "password",
      "exec",
    );
    fc.assert(
      fc.property(place, fc.constantFrom("!", "\n", " ", ""), (name, end) => {
        const text = kubeconfig({ user: { [name]: secret + end } });
        let told = "";
        try {
          readKubeconfig(text);
        } catch (error) {
          told = String(error);
        }
        expect(told).not.toContain(secret);
      }),
    );
    expect(faultOf(`users: ["${secret}`)).not.toContain(secret);
  });
});
