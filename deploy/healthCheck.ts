/**
 * Asks the frontend of the same container whether it is ready, or live: exit code 0 if so. A program rather than a request of
 * the cluster, because a frontend that doesn't authenticate its callers listens on loopback only. It must stay small, as it is started every few seconds, and
 * never print what was answered.
 *
 * Use: node deploy/healthCheck.ts ready|live
 */
import { get as getPlain } from "node:http";
import { get as getOverTls } from "node:https";

const limitMs = 4_000;

/** What the settings say, with the same defaults; whether they are right the process itself has checked. */
function setting(variable: "AUTH" | "HOST" | "PORT" | "ROLES", byDefault: string): string {
  return process.env[variable]?.trim() || byDefault;
}

function fail(why: string): void {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
}

const [question = ""] = process.argv.slice(2);
if (question !== "ready" && question !== "live") {
  fail("what to ask must be ready or live");
} else if (setting("ROLES", "frontend").includes("frontend")) {
  const get = setting("AUTH", "none") === "none" ? getPlain : getOverTls;
  get(
    {
      // one that listens on every address is asked on this one
      host: setting("HOST", "127.0.0.1")
        .replace(/^0\.0\.0\.0$/, "127.0.0.1")
        .replace(/^::$/, "::1"),
      port: setting("PORT", "8080"),
      // its certificate is for the name that others call; the answer is a yes or no from this container
      rejectUnauthorized: false,
      path: `/healthz/${question}`,
      signal: AbortSignal.timeout(limitMs),
    },
    (answer) => {
      answer.resume();
      if (answer.statusCode !== 200) fail(`the frontend is not ${question}: ${answer.statusCode}`);
    },
  ).on("error", ({ name, message }) => fail(`the frontend does not answer: ${name} ${message}`));
}
