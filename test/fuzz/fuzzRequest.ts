/**
 * What a hostile client may write to a connection: requests of every method and route, most of them nearly right, with bodies of
 * `hostileJson.ts` and framings that proxies and servers are known to disagree on.
 */
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { hostileJson } from "./hostileJson.ts";

/** Stands for the subscription wherever it occurs; whoever sends it puts a GUID of the same length there. */
export const subscriptionPlaceholder = "00000000-0000-4000-8000-00000f0220f0";

/** What must never come back; each is the value of a secret member in a valid body. */
const canaries = {
  auth: Buffer.from("user:canary-of-the-registry").toString("base64"),
  clientSecret: "canary-of-the-application",
} as const;

const pullSecret = JSON.stringify({ auths: { "registry.example": { auth: canaries.auth } } });
const pullSecretBase64 = Buffer.from(pullSecret).toString("base64");

/** Texts that give a secret away, plain and in base64. */
export const canaryTexts: readonly string[] = [
  canaries.auth,
  canaries.clientSecret,
  Buffer.from(canaries.clientSecret).toString("base64").replace(/=+$/, "").slice(0, -1),
  pullSecretBase64.slice(0, 60),
  pullSecretBase64.slice(40, 80),
  "canary-of-the-registry",
];

/** A request, or what is meant for one, as it is written. */
export interface FuzzRequest {
  readonly method: string;
  readonly target: string;
  /** Each character is a byte. */
  readonly bytes: string;
  /** Whether a server must find exactly one request in it, and its end. */
  readonly isWhole: boolean;
}

const s = `/subscriptions/${subscriptionPlaceholder}`;
const group = `${s}/resourceGroups/group`;
const clusters = `${group}/providers/RedHat.OpenShift/OpenShiftClusters`;
const subnet = `${s}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets`;
const operation = `${s}/providers/RedHat.OpenShift/locations/eastus`;
const operationId = "5d3c8a52-0c1b-4f0e-9c52-6b0c3a8f7e11";

const preview = "2019-12-31-preview";
const stable = "2020-04-30";

export const previewCluster = {
  location: "eastus",
  tags: { env: "test" },
  properties: {
    pullSecret: pullSecretBase64,
    networkProfile: {
      vnetCidr: "10.0.0.0/16",
      podCidr: "10.128.0.0/14",
      serviceCidr: "172.30.0.0/16",
    },
    masterProfile: { vmSize: "Standard_D8s_v3" },
    workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
  },
};

export const stableCluster = {
  location: "eastus",
  tags: { env: "test" },
  properties: {
    clusterProfile: {
      pullSecret,
      domain: "fuzzed",
      version: "4.3.27",
      resourceGroupId: `${s}/resourceGroups/machines`,
    },
    servicePrincipalProfile: { clientId: operationId, clientSecret: canaries.clientSecret },
    networkProfile: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
    masterProfile: { vmSize: "Standard_D8s_v3", subnetId: `${subnet}/masters` },
    workerProfiles: [
      {
        name: "worker",
        vmSize: "Standard_D2s_v3",
        diskSizeGB: 128,
        count: 3,
        subnetId: `${subnet}/workers`,
      },
    ],
    apiserverProfile: { visibility: "Public" },
    ingressProfiles: [{ name: "default", visibility: "Public" }],
  },
};

const previewPatch = {
  tags: { team: "blue" },
  properties: { pullSecret: pullSecretBase64, workerProfiles: [{ name: "worker", count: 4 }] },
};
const stablePatch = {
  tags: { team: "blue" },
  properties: {
    servicePrincipalProfile: { clientSecret: canaries.clientSecret },
    workerProfiles: [{ name: "worker", count: 5 }],
  },
};
const announcement = {
  state: "Registered",
  registrationDate: "Tue, 15 Nov 1994 08:12:31 GMT",
  properties: { tenantId: operationId, accountOwner: { email: "x@example.com" } },
};
const template = {
  resources: [
    {
      name: "one",
      type: "RedHat.OpenShift/OpenShiftClusters",
      apiVersion: preview,
      dependsOn: ["[resourceId('x')]"],
      ...previewCluster,
    },
    {
      name: "[parameters('name')]",
      type: "RedHat.OpenShift/OpenShiftClusters",
      apiVersion: stable,
      ...stableCluster,
    },
    { name: "v", type: "Microsoft.Network/virtualNetworks", apiVersion: "2020-01-01" },
  ],
};

interface Route {
  readonly method: string;
  readonly path: string;
  readonly version: string;
  readonly documents?: readonly unknown[];
}

const cluster = (method: string, version: string, documents?: readonly unknown[]): Route => ({
  method,
  path: `${clusters}/c1`,
  version,
  ...(documents === undefined ? {} : { documents }),
});

const routes: readonly Route[] = [
  cluster("PUT", preview, [previewCluster]),
  cluster("PUT", stable, [stableCluster]),
  { ...cluster("PUT", preview, [previewCluster]), path: `${clusters}/c2` },
  { ...cluster("PUT", stable, [stableCluster]), path: `${clusters}/c3` },
  cluster("PATCH", preview, [previewPatch, previewCluster]),
  cluster("PATCH", stable, [stablePatch, stableCluster]),
  cluster("GET", preview),
  cluster("GET", stable),
  cluster("HEAD", stable),
  cluster("DELETE", stable),
  { method: "GET", path: clusters, version: preview },
  { method: "GET", path: `${s}/providers/RedHat.OpenShift/OpenShiftClusters`, version: stable },
  { method: "POST", path: `${clusters}/c1/listCredentials`, version: stable },
  { method: "GET", path: `${clusters}/c1/credentials`, version: preview },
  { method: "GET", path: `${operation}/operationStatuses/${operationId}`, version: stable },
  { method: "GET", path: `${operation}/operationResults/${operationId}`, version: preview },
  { method: "GET", path: "/providers/RedHat.OpenShift/operations", version: stable },
  { method: "PUT", path: s, version: "2.0", documents: [announcement] },
  {
    method: "POST",
    path: `${group}/providers/RedHat.OpenShift/deployments/d/preflight`,
    version: "2020-06-01",
    documents: [template],
  },
  { method: "GET", path: "/docs", version: "" },
  { method: "GET", path: "/openapi/arm.json", version: "" },
  { method: "GET", path: "/healthz/live", version: "" },
  { method: "GET", path: "/healthz/ready", version: "" },
  { method: "GET", path: "/", version: "" },
];

/** Of the operator's listener. */
const adminRoutes: readonly Route[] = [
  "/metrics",
  "/healthz/live",
  "/healthz/ready",
  "/admin",
  `/admin${clusters}/c1`,
].map((path) => ({ method: "GET", path, version: "", documents: [{}] }));

const methods = [
  "GET",
  "PUT",
  "PATCH",
  "DELETE",
  "POST",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "M-SEARCH",
  "get",
  "FOO",
  "",
];

const segments = [
  "%",
  "%ZZ",
  "%2",
  "%00",
  "%2f",
  "%2F..%2F",
  "%5c",
  "%25",
  "%252f",
  "%c0%af",
  "%e0%80%af",
  "%ed%a0%80",
  "%ff",
  "%F0%9F%92%A9",
  "..",
  ".",
  "...",
  "..;",
  "__proto__",
  "constructor",
  "toString",
  ";jsessionid=1",
  ":",
  "@",
  "*",
  "{resourceName}",
  "null",
  "a".repeat(54),
  "a".repeat(300),
  "A-B",
  "-",
  "",
  "\\",
  "|",
  '"',
  "<>",
  "$%7B7*7%7D",
  operationId,
  "providers",
  "subscriptions",
  "resourceGroups",
  "OpenShiftClusters",
  "credentials",
  "c1",
  "c2",
];

const segment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...segments) },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary", maxLength: 10 })
      .map((text) => encodeURIComponent(text.toWellFormed())),
  },
);

type PathChange = { readonly at: number; readonly text: string; readonly kind: string };
const pathChange: fc.Arbitrary<PathChange> = fc.record({
  at: fc.nat(9),
  text: segment,
  kind: fc.constantFrom(
    "replace",
    "insert",
    "remove",
    "upper",
    "lower",
    "escape",
    "double",
    "append",
  ),
});

function changedPath(path: string, { at, text, kind }: PathChange): string {
  const parts = path.split("/");
  const index = at % parts.length;
  const part = parts[index] ?? "";
  switch (kind) {
    case "replace":
      return parts.with(index, text).join("/");
    case "insert":
      return parts.toSpliced(index, 0, text).join("/");
    case "remove":
      return parts.toSpliced(index, 1).join("/");
    case "upper":
      return parts.with(index, part.toUpperCase()).join("/");
    case "lower":
      return parts.with(index, part.toLowerCase()).join("/");
    case "escape": {
      const escaped = Buffer.from(part).toString("hex").replaceAll(/../g, "%$&");
      return parts.with(index, escaped).join("/");
    }
    case "double":
      return path.replaceAll("/", "//");
    default:
      return path + text;
  }
}

function pathAfter(path: string, changes: readonly PathChange[]): string {
  return changes.reduce<string>(changedPath, path);
}

const versionQuery = (version: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(version === "" ? "" : `?api-version=${version}`) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        "",
        "?",
        "?api-version=",
        "?api-version",
        "?api-version[]=2020-04-30",
        "?api-version=2.0",
        "?api-version=__proto__",
        "?api-version=constructor",
        `?api-version=${preview}`,
        `?API-VERSION=${stable}`,
        `?api-version=${stable}&api-version=${preview}`,
        "?api-version=2020-04-30%00",
        "?api-version=%ZZ",
        "?api-version=%ff",
        `?api-version=${"9".repeat(3_000)}`,
        "?%61pi-version=2020-04-30",
        "?api-version=2020-04-30?api-version=2.0",
        "?__proto__[x]=1&api-version=2020-04-30",
      ),
    },
  );

const queryTail = fc.oneof(
  { weight: 12, arbitrary: fc.constant("") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "&$top=1",
      "&$top=0",
      "&$top=-1",
      "&$top=1e9",
      "&$top=99999999999999999999",
      "&$top=",
      "&$top=1&$top=2",
      "&$skipToken=x",
      "&%24skipToken=AAAA",
      `&$skipToken=${"A".repeat(2_000)}`,
      "&$skipToken=__proto__",
      "&$filter=1 eq 1",
      "&&&&==",
      "&%ZZ=%ZZ",
      "&\xff=\xfe",
      `&c=${"c".repeat(4_096)}`,
      `&c=${"c".repeat(20_000)}`,
      "#fragment",
    ),
  },
);

const targetForm = fc.oneof(
  { weight: 30, arbitrary: fc.constant((target: string) => target) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<(target: string) => string>(
      (target) => `http://host.example${target}`,
      (target) => `HTTPS://[::1]:99999${target}`,
      (target) => `http://user:pass@host${target}`,
      (target) => `http://${target}`,
      (target) => `ftp://host${target}`,
      (target) => `/${target}`,
      (target) => target.slice(1),
      () => "*",
      () => "host.example:443",
      () => "http://",
      () => "//",
      (target) => `${target} HTTP/1.1`,
      (target) => target.replaceAll("/", "\\"),
    ),
  },
);

const headerLines = [
  "If-Match: *",
  'If-Match: "1"',
  "If-Match: W/x",
  'If-Match: "a", "b"',
  "If-Match:",
  "If-None-Match: *",
  "If-None-Match: *\r\nIf-Match: *",
  'If-None-Match: "x',
  "If-Modified-Since: yesterday",
  "Accept: application/xml",
  "Accept: */*;q=0",
  "Accept-Language: x-klingon",
  "Accept-Encoding: br",
  "Content-Type: text/plain",
  "Content-Type:",
  "Content-Type: application/json; charset=utf-7",
  "Content-Type: application/json;;;=",
  `Content-Type: application/json; ${"a=b;".repeat(500)}`,
  "Content-Language: *",
  "Content-Encoding: gzip",
  "Content-Encoding: br, gzip",
  "Content-Encoding: __proto__",
  "Content-MD5: x",
  "Range: bytes=0-1",
  "Expect: 100-continue",
  "Expect: the unexpected",
  "Connection: close",
  "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x",
  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
  "Connection: content-length",
  "Host: other\r\nHost: another",
  "Host: a b/c?d#e@f",
  "Host: \xff",
  "Host:",
  "Cookie: __proto__=1; a",
  "Authorization: Bearer x",
  "Authorization: Basic \xff",
  "Referer: https://management.azure.com/x",
  "Referer: javascript:alert(1)",
  "Referer: http://\xe9/",
  "Referer: //",
  "Forwarded: for=__proto__",
  "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript",
  "X-HTTP-Method-Override: DELETE",
  "x-ms-client-request-id: a\r\nx-ms-client-request-id: b\r\nx-ms-return-client-request-id: true",
  "x-ms-client-request-id: \xff\xfe\r\nx-ms-return-client-request-id: TRUE",
  `x-ms-client-request-id: ${"i".repeat(5_000)}\r\nx-ms-return-client-request-id: true`,
  'x-ms-correlation-request-id: {"$ne":1}',
  "x-ms-arm-resource-system-data: {}",
  "x-ms-arm-resource-system-data: null",
  "x-ms-arm-resource-system-data: [[[",
  'x-ms-arm-resource-system-data: {"createdBy":{"__proto__":1},"createdAt":"never","lastModifiedAt":1e999}',
  'x-ms-arm-resource-system-data: {"createdBy":"a","createdByType":"User","createdAt":"2020-01-01T00:00:00Z","lastModifiedBy":"b","lastModifiedByType":"Robot","lastModifiedAt":"2020-13-45T99:00:00Z"}',
  "traceparent: 00-00000000000000000000000000000000-0000000000000000-00",
  "traceparent: zz",
  "__proto__: x",
  "constructor: x",
  "X-Nul: a\u0000b",
  "X-Bare: a\rb",
  "X-Folded: a\r\n b",
  "No colon at all",
  ": no name",
  "X Space: 1",
  "X-Space : 1",
  `X-Long: ${"x".repeat(10_000)}`,
  `X-Longer: ${"x".repeat(40_000)}`,
  Array.from({ length: 250 }, (_, at) => `X-${at}: 1`).join("\r\n"),
] as const;

const headers = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly string[]>([]) },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom(...headerLines), { minLength: 1, maxLength: 3 }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.stringMatching(/^[a-zA-Z-]{1,12}$/),
        fc.string({ unit: "binary-ascii", maxLength: 30 }),
      )
      .map(([name, text]) => [`${name}: ${text}`]),
  },
);

interface Framing {
  /** The headers that say where the body ends, and the body as it is written. */
  readonly frame: (body: string) => { readonly headers: readonly string[]; readonly body: string };
  /** Whether it says so rightly. */
  readonly isWhole: boolean;
}

function chunked(body: string, size = 997): string {
  let text = "";
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${text}0\r\n\r\n`;
}

const te = "Transfer-Encoding: chunked";
const byLength: Framing = {
  frame: (body) => ({ headers: [`Content-Length: ${body.length}`], body }),
  isWhole: true,
};
const brokenFramings: readonly Framing["frame"][] = [
  (body) => ({ headers: [`Content-Length: ${body.length}`, te], body }),
  (body) => ({ headers: [te, `Content-Length: ${body.length}`], body: chunked(body) }),
  (body) => ({ headers: ["Content-Length: 3", `Content-Length: ${body.length}`], body }),
  (body) => ({ headers: [`Content-Length: ${body.length}, ${body.length}`], body }),
  (body) => ({ headers: [`Content-Length: +${body.length}`], body }),
  (body) => ({ headers: ["Content-Length: -1"], body }),
  (body) => ({ headers: ["Content-Length: 0x10"], body }),
  (body) => ({ headers: ["Content-Length:"], body }),
  (body) => ({ headers: ["Content-Length: 99999999999999999999999"], body }),
  (body) => ({ headers: ["Content-Length: 18446744073709551615"], body }),
  (body) => ({ headers: ["Content-Length: 4294967296"], body }),
  (body) => ({ headers: [`Content-Length: ${body.length + 10}`], body }),
  (body) => ({ headers: [`Content-Length: ${Math.floor(body.length / 2)}`], body }),
  (body) => ({ headers: [], body }),
  (body) => ({ headers: [te], body }),
  (body) => ({ headers: [te], body: `ffffffffffffffffff\r\n${body}\r\n0\r\n\r\n` }),
  (body) => ({ headers: [te], body: `-1\r\n${body}\r\n0\r\n\r\n` }),
  (body) => ({ headers: [te], body: `${body.length.toString(16)}\r\n${body}` }),
  (body) => ({ headers: [te], body: `${body.length.toString(16)}\n${body}\n0\n\n` }),
  (body) => ({ headers: [te], body: chunked(body).replace(/\r\n$/, "Content-Length: 5\r\n\r\n") }),
  (body) => ({ headers: [te], body: `1;${"x=".repeat(20_000)}\r\n{\r\n0\r\n\r\n${body}` }),
  (body) => ({ headers: ["Transfer-Encoding: identity"], body }),
  (body) => ({ headers: ["Transfer-Encoding: gzip, chunked"], body: chunked(body) }),
  (body) => ({ headers: ["Transfer-Encoding: chunked, identity"], body: chunked(body) }),
  (body) => ({ headers: ["Transfer-Encoding: xchunked"], body: chunked(body) }),
  (body) => ({ headers: ["Transfer-Encoding : chunked"], body: chunked(body) }),
  (body) => ({ headers: ["Transfer-Encoding:\tchunked"], body: chunked(body) }),
];

const framing: fc.Arbitrary<Framing> = fc.oneof(
  { weight: 30, arbitrary: fc.constant(byLength) },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Framing>(
      { frame: (body) => ({ headers: [te], body: chunked(body) }), isWhole: true },
      { frame: (body) => ({ headers: [te], body: chunked(body, 3) }), isWhole: true },
      {
        frame: (body) => ({
          headers: [te, "Trailer: X-End"],
          body: chunked(body).replace(/\r\n$/, "X-End: 1\r\n\r\n"),
        }),
        isWhole: true,
      },
      {
        frame: (body) => {
          const packed = gzipSync(Buffer.from(body, "latin1")).toString("latin1");
          return {
            headers: ["Content-Encoding: gzip", `Content-Length: ${packed.length}`],
            body: packed,
          };
        },
        isWhole: true,
      },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...brokenFramings).map((frame) => ({ frame, isWhole: false })),
  },
);

const httpVersion = fc.oneof(
  { weight: 40, arbitrary: fc.constant("HTTP/1.1") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "HTTP/1.0",
      "HTTP/2.0",
      "HTTP/0.9",
      "HTTP/1.1 ",
      "http/1.1",
      "HTTPS/1.1",
      "",
    ),
  },
);

/** What makes it doubtful where a request ends, or whether it is one. */
const doubtful = /[^\x21-\x7e]|^(?!https?:\/\/|\/)/i;

function requestOf(among: readonly Route[]): fc.Arbitrary<FuzzRequest> {
  // made once each, as making them takes longer than a request
  return fc.oneof(...among.map(requestOfRoute));
}

function requestOfRoute(route: Route): fc.Arbitrary<FuzzRequest> {
  const documents = route.documents ?? [{}];
  return fc
    .record({
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant(route.method) },
        { weight: 2, arbitrary: fc.constantFrom(...methods) },
      ),
      changes: fc.oneof(
        { weight: 6, arbitrary: fc.constant<readonly PathChange[]>([]) },
        { weight: 2, arbitrary: fc.array(pathChange, { minLength: 1, maxLength: 3 }) },
      ),
      version: versionQuery(route.version),
      tail: queryTail,
      form: targetForm,
      headers,
      framing,
      http: httpVersion,
      body:
        route.documents === undefined
          ? fc.oneof(
              { weight: 6, arbitrary: fc.constant("") },
              { weight: 1, arbitrary: hostileJson(documents) },
            )
          : hostileJson(documents),
    })
    .map((parts) => {
      const path = pathAfter(route.path, parts.changes);
      const target = parts.form(`${path}${parts.version}${parts.tail}`);
      const hasBody = parts.body !== "" || route.documents !== undefined;
      const framed = hasBody ? parts.framing.frame(parts.body) : { headers: [], body: "" };
      const own = parts.headers.join("\r\n");
      const lines = [
        `${parts.method} ${target} ${parts.http}`,
        ...(/^host:/im.test(own) ? [] : ["Host: localhost"]),
        ...(hasBody && !/^content-type:/im.test(own) ? ["Content-Type: application/json"] : []),
        ...parts.headers,
        ...framed.headers,
      ];
      const isWhole =
        (!hasBody || parts.framing.isWhole) &&
        parts.http === "HTTP/1.1" &&
        methods.slice(0, 6).includes(parts.method) &&
        !doubtful.test(target) &&
        // what the lines themselves may do to the framing
        parts.headers.every((line) => /^[\w-]+: [\x20-\x7e]*$/.test(line)) &&
        !/^(connection|content-length|transfer-encoding|upgrade|expect|te|trailer):/im.test(own);
      return {
        method: parts.method,
        target,
        bytes: `${lines.join("\r\n")}\r\n\r\n${framed.body}`,
        isWhole,
      };
    });
}

const bytes: fc.Arbitrary<FuzzRequest> = fc
  .oneof(
    fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((each) => Buffer.from(each).toString("latin1")),
    fc.constantFrom(
      "\r\n\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n\r\n",
      "CONNECT / HTTP/1.1\r\n\r\nmore",
      "GET / HTTP/1.1\r\n",
      "GET /\r\n\r\n",
      "GET\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "* * *\r\n\r\n",
    ),
  )
  .map((text) => ({ method: "", target: "", bytes: text, isWhole: false }));

/** One to four that are written at once to the frontend's listener. */
export const fuzzRequests: fc.Arbitrary<readonly FuzzRequest[]> = fc.oneof(
  { weight: 30, arbitrary: requestOf(routes).map((request) => [request]) },
  { weight: 1, arbitrary: bytes.map((request) => [request]) },
  { weight: 2, arbitrary: fc.array(requestOf(routes), { minLength: 2, maxLength: 4 }) },
);

/** The same for the operator's listener. */
export const adminRequests: fc.Arbitrary<readonly FuzzRequest[]> = requestOf(adminRoutes).map(
  (request) => [request],
);
