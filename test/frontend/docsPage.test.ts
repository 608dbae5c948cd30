/** The docs page and the documents over HTTP: what is served, how, and that nothing else is. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { apiVersions } from "../../src/versions/registry.ts";
import { keywordsOf } from "../contract/generated.ts";
import { StartedRp } from "./startedRp.ts";

const names = apiVersions.map(({ name }) => name);
/** Shared, as nothing here changes it. */
const rp = await StartedRp.start();
afterAll(async () => rp[Symbol.asyncDispose]());

const generated = new URL("../../generated/", import.meta.url);

interface PageOperation {
  readonly parameters: readonly {
    readonly name: string;
    readonly schema?: { readonly enum?: readonly string[] };
    readonly example?: string;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { readonly examples: Readonly<Record<string, { readonly value: unknown }>> }>
    >;
  };
}

/** All references in a document. */
function references(document: unknown): readonly string[] {
  return keywordsOf(document).flatMap(([key, value]) => (key === "$ref" ? [String(value)] : []));
}

/** What a local reference leads to. */
function at(document: unknown, reference: string): unknown {
  return reference
    .slice(2)
    .split("/")
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], document);
}

describe("the page", () => {
  test.each([
    ["/docs", "text/html; charset=utf-8"],
    ["/docs/", "text/html; charset=utf-8"],
    ["/Docs?urls.primaryName=x", "text/html; charset=utf-8"],
    ["/docs/page.css", "text/css; charset=utf-8"],
    ["/docs/page.js", "text/javascript; charset=utf-8"],
    ["/docs/swagger-ui.css", "text/css; charset=utf-8"],
    ["/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
    ["/docs/swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"],
    ["/docs/favicon-16x16.png", "image/png"],
    ["/docs/favicon-32x32.png", "image/png"],
  ])("%s is served as %s", async (path, contentType) => {
    const response = await fetch(rp.url + path);
    const content = await response.arrayBuffer();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(contentType);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("x-ms-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(content.byteLength).toBeGreaterThan(0);

    const head = await fetch(rp.url + path, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(String(content.byteLength));
    expect(head.headers.get("content-type")).toBe(contentType);
    expect(await head.text()).toBe("");

    const tag = response.headers.get("etag") ?? "";
    // said by browsers too; without it Node's fetch adds `no-cache`, which asks for the whole
    const control = { "Cache-Control": "max-age=0" };
    const again = await fetch(rp.url + path, { headers: { ...control, "If-None-Match": tag } });
    expect(again.status).toBe(304);
    expect(again.headers.get("etag")).toBe(tag);
    const other = await fetch(rp.url + path, {
      headers: { ...control, "If-None-Match": '"other"' },
    });
    expect(other.status).toBe(200);
    await other.arrayBuffer();
  });

  test("may load from its own server only, and run no text as a script", async () => {
    const response = await fetch(`${rp.url}/docs`);
    const policy = response.headers.get("content-security-policy");
    expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await response.text();
    expect(html).not.toMatch(
      /<script(?! src="\/docs\/[a-z-]+\.js"><)|<style|https?:|\sstyle=|\son/,
    );
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const { status } = await fetch(rp.url + path, { method: "HEAD" });
      expect(status, path).toBe(200);
    }
  });

  test("offers every api-version served, the newest first", async () => {
    const script = await (await fetch(`${rp.url}/docs/page.js`)).text();
    const urls = JSON.parse(/urls: (\[.*\]),/.exec(script)?.[1] ?? "") as { name: string }[];
    expect(urls.map(({ name }) => name)).toEqual(names.toReversed());
  });
});

describe.each(names)("the documents of %s", (name) => {
  test("OpenAPI 3 is served as it is emitted", async () => {
    const { status, text, body } = await rp.send("GET", `/openapi/${name}.json`);
    expect(status).toBe(200);
    expect(text).toBe(readFileSync(new URL(`openapi3/3.0.0/${name}.json`, generated), "utf8"));
    expect(body.info.version).toBe(name);
  });

  test("Swagger 2 needs no other file", async () => {
    const { status, body } = await rp.send("GET", `/SWAGGER/${name}.json`);
    expect(status).toBe(200);
    expect(body.swagger).toBe("2.0");
    expect(body.info.version).toBe(name);
    const found = references(body);
    expect(found).toContain("#/definitions/TrackedResource");
    for (const reference of found) {
      expect(reference).toMatch(/^#\//);
      expect(at(body, reference), reference).toBeTypeOf("object");
    }
    const examples = keywordsOf(body).filter(([key]) => key === "x-ms-examples");
    expect(examples).not.toEqual([]);
    for (const example of examples.flatMap(([, all]) => Object.values(all as object))) {
      expect(example).toMatchObject({ parameters: { "api-version": name } });
    }
  });

  test("the page's own asks this server, with the api-version and examples that it accepts", async () => {
    await using own = await StartedRp.start();
    const { body } = await own.send("GET", `/docs/openapi/${name}.json`);
    expect(body.servers).toBeUndefined();
    expect(body.security).toBeUndefined();
    expect(body.components.securitySchemes).toBeUndefined();
    for (const path of [`/openapi/${name}.json`, `/swagger/${name}.json`]) {
      expect(body.info.description).toContain(`(${path})`);
    }
    const { paths } = body as { paths: Record<string, Record<string, PageOperation>> };
    const writes: number[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { parameters, requestBody }] of Object.entries(methods)) {
        const version = parameters.find((parameter) => parameter.name === "api-version");
        expect(version?.schema?.enum, `${method} ${path}`).toEqual([name]);
        const filled = path.replaceAll(/\{(\w+)\}/g, (_, key) => {
          const { example } = parameters.find((parameter) => parameter.name === key) ?? {};
          expect(example, `${key} in ${method} ${path}`).toBeTypeOf("string");
          return encodeURIComponent(example ?? "");
        });
        const bodies = Object.values(requestBody?.content["application/json"]?.examples ?? {});
        expect(bodies.length > 0).toBe(requestBody !== undefined);
        if (method !== "put") continue;
        for (const [index, { value }] of bodies.entries()) {
          const target = `${filled}-${index}?api-version=${name}`;
          writes.push((await own.send("PUT", target, { body: value })).status);
        }
      }
    }
    expect(new Set(writes)).toEqual(new Set([201]));
  });
});

test("the document of what ARM itself calls is served as it is emitted", async () => {
  const { status, text } = await rp.send("GET", "/openapi/arm.json");
  expect(status).toBe(200);
  expect(text).toBe(readFileSync(new URL("arm/openapi.json", generated), "utf8"));
});

describe("nothing else", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is not allowed", async (method) => {
    for (const path of ["/docs", "/docs/page.js", `/openapi/${names[0]}.json`]) {
      const { status, body, headers } = await rp.send(method, path);
      expect(status).toBe(405);
      expect(body.error.code).toBe("MethodNotAllowed");
      expect(headers.get("allow")).toBe("GET, HEAD");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  test.each([
    "/docs/none",
    "/docs/index.html",
    "/docs/package.json",
    "/docs/swagger-ui.js",
    "/docs/swagger-ui-bundle.js.map",
    "/docs/swagger-ui.css/none",
    "/docs/constructor",
    "/docs/openapi",
    "/openapi",
    "/openapi/2000-01-01.json",
    `/openapi/${names[0]}`,
    `/swagger/preview/${names[0]}/openshift.json`,
    "/docs%00/page.js",
    "/docs/..%2fpackage.json",
    "/docs/%2e%2e%2f%2e%2e%2fpackage.json",
    "/docs/..%5c..%5cpackage.json",
    "/swagger/..%2f..%2fpackage.json",
  ])("%s is not there", async (path) => {
    const { status, body } = await rp.send("GET", path);
    expect(status).toBe(404);
    expect(body.error.code).toBe("NotFound");
  });

  test("a malformed path is refused", async () => {
    const { status, body } = await rp.send("GET", "/docs/%ZZ");
    expect([status, body.error.code]).toEqual([400, "InvalidUri"]);
  });
});
