/** Who may call the real program, from its settings to a cluster. */
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { X509Certificate } from "node:crypto";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { TestAuthority, writeTlsFiles, type Identity } from "../listener/testAuthority.ts";
import { callOverTls } from "../listener/tlsCaller.ts";
import { clusterBody, clusterUrl } from "./clusterCalls.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

let authority: TestAuthority;
let server: Identity;
let caller: Identity;
let operator: Identity;

beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue({ subject: [{ CN: ["rp"] }], purpose: "server" });
  caller = await authority.issue({ subject: [{ O: ["Example"] }, { CN: ["caller"] }] });
  operator = await authority.issue({ subject: [{ CN: ["operator"] }] });
});

test("ARM-117: one subject creates a cluster, another sees the metrics, and neither does the other's", async () => {
  using folder = temporaryFolder();
  const { certFile, keyFile, clientCaFile } = writeTlsFiles(folder.path, server, authority.cert);
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    AUTH: "client-certificate",
    ADMIN_AUTH: "client-certificate",
    HOST: "0.0.0.0",
    ADMIN_HOST: "0.0.0.0",
    ADMIN_PORT: "0",
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
    CLIENT_CA_FILE: clientCaFile,
    CLIENT_SUBJECT: "CN=caller,O=Example",
    ADMIN_CLIENT_SUBJECT: "CN=operator",
  });
  const put = async (identity?: Identity): Promise<number> => {
    const url = clusterUrl(rp, "c").replace("0.0.0.0", "127.0.0.1");
    const call = { method: "PUT", body: clusterBody, ca: authority.cert, identity };
    return (await callOverTls(url, call)).status;
  };
  expect([await put(), await put(operator), await put(caller)]).toEqual([403, 403, 201]);
  await rp.logged((line) => line["status"] === 201 && line["caller"] === "CN=caller,O=Example");

  const adminUrl = String(rp.log.find(({ version }) => version !== undefined)?.["adminUrl"]);
  const metrics = async (identity?: Identity): Promise<number> => {
    const url = `${adminUrl.replace("0.0.0.0", "127.0.0.1")}/metrics`;
    return (await callOverTls(url, { ca: authority.cert, identity })).status;
  };
  expect([await metrics(), await metrics(caller), await metrics(operator)]).toEqual([
    403, 403, 200,
  ]);
});

test("ARM-117: ARM is let in once its certificates are known, and only then the process is ready", async () => {
  using folder = temporaryFolder();
  const { certFile, keyFile } = writeTlsFiles(folder.path, server);
  const asked = Promise.withResolvers<ServerResponse>();
  const endpoint = createServer((_request, response) => asked.resolve(response));
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  onTestFinished(() => void endpoint.close());
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    AUTH: "arm",
    ARM_METADATA_URL: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`,
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
  });
  const call = async (path: string, identity?: Identity): Promise<number> =>
    (await callOverTls(`${rp.url}${path}`, { ca: authority.cert, identity })).status;
  const response = await asked.promise;
  expect([await call("/healthz/live"), await call("/healthz/ready")]).toEqual([200, 503]);
  expect([await call("/x", caller), await call("/x")]).toEqual([503, 403]);
  const { raw, validFrom, validTo } = new X509Certificate(caller.cert);
  const [notBefore, notAfter] = [validFrom, validTo].map((time) => new Date(time).toISOString());
  const certificate = raw.toString("base64");
  response.end(JSON.stringify({ clientCertificates: [{ certificate, notBefore, notAfter }] }));
  await rp.logged(({ message }) => message === "ARM's certificates were fetched");
  // an answer counts for a second
  let status = await call("/healthz/ready");
  while (status === 503) status = await call("/healthz/ready");
  expect(status).toBe(200);
  expect([await call("/x", caller), await call("/x", operator)]).toEqual([404, 403]);
  rp.kill("SIGTERM");
  expect((await rp.exit()).code).toBe(0);
});

test("files of TLS that are of no use: what is wrong with each, and exit code 1", async () => {
  using folder = temporaryFolder();
  const { certFile, keyFile } = writeTlsFiles(folder.path, { ...server, key: caller.key });
  await using rp = RpProcess.spawn({
    DATA_DIR: folder.path,
    AUTH: "client-certificate",
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
    CLIENT_CA_FILE: `${folder.path}/none`,
    CLIENT_SUBJECT: "CN=caller",
  });
  expect((await rp.exit()).code).toBe(1);
  expect(rp.errors).toMatch(/^CLIENT_CA_FILE: .*ENOENT/m);
  expect(rp.errors).toMatch(/^TLS_KEY_FILE: the key is not that of/m);
});
