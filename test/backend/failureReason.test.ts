/** Reasons are readable, bounded, and show no secret in any of the forms in which a cloud may repeat it. */
import { describe, expect, test } from "vitest";
import {
  failureReason,
  loggableFailure,
  tooManyAttempts,
  withoutSecrets,
} from "../../src/backend/failureReason.ts";
import { retryDelayMs } from "../../src/backend/retryDelay.ts";
import { TerminalError, TransientError } from "../../src/model/rpError.ts";

const key = `-----BEGIN KEY-----\n${"k".repeat(60)}\n${"y".repeat(60)}\n-----END KEY-----\n`;
const token = "c2VjcmV0LXRva2VuLW9mLXJlZ2lzdHJ5";
const secrets = {
  sshPrivateKey: key,
  pullSecret: `{"auths":{"registry":{"auth":"${token}"}}}`,
  kubeadminPassword: "pass-word",
};

describe("a text without secrets", () => {
  test.each([
    ["a secret itself", `x ${secrets.pullSecret} x`],
    ["a secret without its last line feed", `x ${key.trim()} x`],
    ["a secret in base64", `x ${Buffer.from(key).toString("base64")} x`],
    ["a secret in JSON", `x ${JSON.stringify({ key })} x`],
    ["one line of a key", `x ${"k".repeat(60)} x`],
    ["a token within a pull secret", `x ${token} x`],
    ["a password", "x pass-word x"],
  ])("has lost %s", (_what, text) => {
    const clean = withoutSecrets(text, secrets);
    expect(clean).toContain("(secret)");
    for (const part of ["kkkk", "yyyy", token, "pass-word"]) expect(clean).not.toContain(part);
  });

  test("keeps everything else, is short, and bears any secret", () => {
    expect(withoutSecrets("nothing here", secrets)).toBe("nothing here");
    expect(withoutSecrets("z".repeat(5_000), secrets)).toHaveLength(1_000);
    expect(withoutSecrets("a b c", { kubeadminPassword: "" })).toBe("a b c");
    expect(withoutSecrets("a b c", { kubeadminPassword: "b" })).toBe("a b c");
    expect(withoutSecrets("a $& b", { kubeadminPassword: "$&$&" })).toBe("a $& b");
  });
});

test("a reason names the step, keeps the code of a terminal error, and bears what is no error", () => {
  expect(failureReason("s", new TransientError("no"), {})).toEqual({
    code: "InstallationFailed",
    message: "Step s failed: no",
  });
  const terminal = new TerminalError({ code: "StepTimedOut", message: "late" });
  expect(failureReason("s", terminal, {}).code).toBe("StepTimedOut");
  class OwnError extends TransientError {
    override readonly name = "OwnError";
  }
  expect(failureReason("s", new OwnError("own"), {}).message).toBe("Step s failed: own");
  const long = { code: "InstallationFailed", message: "m".repeat(2_000) } as const;
  expect(tooManyAttempts("s", 5, long).message).toHaveLength(1_000);
});

test.each([
  new TypeError("Cannot read properties of undefined (reading 'value')"),
  Object.assign(new Error("ENOENT: no such file, open '/tmp/x'"), { code: "ENOENT" }),
  new Error("anything", { cause: new TransientError("for users") }),
  { message: "no error" },
  undefined,
])("a reason has no word of what isn't meant for users: %s", (error) => {
  expect(failureReason("s", error, {})).toEqual({
    code: "InstallationFailed",
    message:
      "Step s failed: an internal error. The operator finds it in the log by the id of the operation.",
  });
});

test("an error for the log keeps its name and causes but no secret, and ends", () => {
  const endless = new Error("loop");
  endless.cause = endless;
  expect(loggableFailure(endless, secrets).message).toBe("loop");
  const error = new TypeError("outer pass-word", { cause: new RangeError(`inner ${token}`) });
  const clean = loggableFailure(error, secrets);
  expect(clean.name).toBe("TypeError");
  expect(clean.cause).toMatchObject({ name: "RangeError", message: "inner (secret)" });
  expect(`${clean.message}${clean.stack}`).not.toContain("pass-word");
});

test("waits double from a second to a minute, between half and the whole", () => {
  const at = (fraction: number) => (attempts: number) =>
    retryDelayMs(attempts, {
      fraction: () => fraction,
      integer: () => 0,
      bytes: () => new Uint8Array(),
    });
  expect([0, 1, 2, 3, 7, 50].map(at(0))).toEqual([500, 500, 1_000, 2_000, 30_000, 30_000]);
  expect([1, 2, 7].map(at(1))).toEqual([1_000, 2_000, 60_000]);
});
