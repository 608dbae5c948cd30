/**
 * Asks the process of the same container whether it is ready, or live: exit code 0 if so. A program rather than a request of
 * the cluster, because listeners that don't authenticate their callers are on loopback only. It must stay small, as it is started
 * every few seconds, and never print what was answered.
 *
 * Whether it is ready, a frontend says where it serves: when it has no more room for callers, others should get them. Whether it is
 * live is asked where operators ask, which no crowd of callers can fill: to start an overloaded process again makes nothing better.
 *
 * Use: node deploy/healthCheck.ts ready|live
 */
import { get as getPlain } from "node:http";
import { get as getOverTls } from "node:https";

const limitMs = 4_000;

/** What the settings say, with the same defaults; whether they are right the process itself has checked. */
function setting(variable: string, byDefault: string): string {
  return process.env[variable]?.trim() || byDefault;
}

interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: string;
  readonly auth: string;
}

const frontend: Listener | undefined = setting("ROLES", "frontend,forwarder,backend").includes(
  "frontend",
)
  ? {
      name: "frontend",
      host: setting("HOST", "127.0.0.1"),
      port: setting("PORT", "8080"),
      auth: setting("AUTH", "none"),
    }
  : undefined;

const adminPort = setting("ADMIN_PORT", "0");
/** At 0 it is where nobody can know, or nowhere. */
const operators: Listener | undefined =
  adminPort === "0"
    ? undefined
    : {
        name: "listener for operators",
        host: setting("ADMIN_HOST", "127.0.0.1"),
        port: adminPort,
        auth: setting("ADMIN_AUTH", "none"),
      };

function fail(why: string): void {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
}

function ask({ name, host, port, auth }: Listener, question: string): void {
  const get = auth === "none" ? getPlain : getOverTls;
  get(
    {
      // one that listens on every address is asked on this one
      host: host.replace(/^0\.0\.0\.0$/, "127.0.0.1").replace(/^::$/, "::1"),
      port,
      // its certificate is for the name that others call; the answer is a yes or no from this container
      rejectUnauthorized: false,
      path: `/healthz/${question}`,
      signal: AbortSignal.timeout(limitMs),
    },
    (answer) => {
      answer.resume();
      if (answer.statusCode !== 200) fail(`the ${name} is not ${question}: ${answer.statusCode}`);
    },
  ).on("error", (error) => fail(`the ${name} does not answer: ${error.name} ${error.message}`));
}

const [question = ""] = process.argv.slice(2);
if (question !== "ready" && question !== "live") {
  fail("what to ask must be ready or live");
} else {
  const listener = question === "ready" ? (frontend ?? operators) : (operators ?? frontend);
  // without any, nothing can be asked: it is well while it runs
  if (listener !== undefined) ask(listener, question);
}
