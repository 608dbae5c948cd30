/** The settings of the export of traces, as OpenTelemetry names them: what they mean, and that a token is shown nowhere. */
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError, readConfig, type Environment } from "../../src/config.ts";
import { isCollectorUrl, readPairs } from "../../src/runtime/traceSettings.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

function faultOf(environment: Environment): string {
  try {
    readConfig({ ...endpoint, ...environment });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

test("without an endpoint nothing is exported, whatever else is set", () => {
  expect(readConfig({ OTEL_SERVICE_NAME: "rp", OTEL_TRACES_SAMPLER: "always_on" }).traces).toBe(
    undefined,
  );
});

test("the defaults, and each from its variable", () => {
  const { headers: none, ...defaults } = readConfig(endpoint).traces ?? {};
  expect(defaults).toEqual({
    url: "http://collector:4318/v1/traces",
    timeoutMs: 10_000,
    serviceName: "openshift-resource-provider",
    resourceAttributes: {},
    sampler: "parentbased_always_on",
    samplerRatio: 1,
  });
  expect(none?.()).toEqual({});
  const { headers, ...given } =
    readConfig({
      ...endpoint,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector/odd/path",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%2Cb=,x-tenant=7",
      OTEL_EXPORTER_OTLP_TIMEOUT: "500",
      OTEL_SERVICE_NAME: "rp",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test, k8s.pod.name=p",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
    }).traces ?? {};
  expect(given).toEqual({
    url: "https://collector/odd/path",
    timeoutMs: 500,
    serviceName: "rp",
    resourceAttributes: { "deployment.environment.name": "test", "k8s.pod.name": "p" },
    sampler: "traceidratio",
    samplerRatio: 0.25,
  });
  expect(headers?.()).toEqual({ authorization: "Bearer a,b=", "x-tenant": "7" });
});

test.each([
  ["http://collector:4318/", "http://collector:4318/v1/traces"],
  ["https://collector/otlp", "https://collector/otlp/v1/traces"],
])("below %s traces go to %s", (base, url) => {
  expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: base }).traces?.url).toBe(url);
});

test.each([
  ["OTEL_EXPORTER_OTLP_ENDPOINT", ["collector:4318", "grpc://c", "http://", "http://c/?k=canary"]],
  ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ["http://u:canary@c", "http://c/#canary", "canary"]],
  ["OTEL_EXPORTER_OTLP_HEADERS", ["canary", "a b=canary", "=canary", "a=%zzcanary", "a=%0Acanary"]],
  ["OTEL_RESOURCE_ATTRIBUTES", ["canary", "a=1,canary"]],
])("%s of a wrong form is refused, and not shown", (variable, values) => {
  for (const value of values) {
    expect(faultOf({ [variable]: value })).toMatch(new RegExp(`^${variable} must [^\\n]*$`));
    expect(faultOf({ [variable]: value })).not.toContain("canary");
  }
});

test.each([
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "0"],
  ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
  ["OTEL_TRACES_SAMPLER_ARG", "1.5"],
  ["OTEL_TRACES_SAMPLER_ARG", "half"],
])("%s=%s is refused, and shown", (variable, value) => {
  expect(faultOf({ [variable]: value })).toMatch(`${variable} must`);
  expect(faultOf({ [variable]: value })).toContain(JSON.stringify(value));
});

test("a token in the settings is shown by nothing that shows them", () => {
  const config = readConfig({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: "authorization=canary" });
  expect(config.traces?.headers()).toEqual({ authorization: "canary" });
  for (const text of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true })]) {
    expect(text).not.toContain("canary");
  }
});

test("no text makes a reader fail, and pairs come back as they were written", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      isCollectorUrl(text);
      readPairs(text);
    }),
  );
  const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,9}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ unit: "grapheme-ascii" })), (values) => {
      const given = Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, value.trim()]),
      );
      const text = Object.entries(given).map(
        ([key, value]) => `${key}=${encodeURIComponent(value)}`,
      );
      expect(readPairs(text.join(","))).toEqual(given);
    }),
  );
});
