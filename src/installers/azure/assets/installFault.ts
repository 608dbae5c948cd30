/**
 * Why `openshift-install` failed, as far as the one who asked for the cluster can help it. What the program printed may hold secrets
 * and the values that it refuses; so nothing of it is passed on but the names of settings. Pure.
 */
import { TerminalError } from "../../../model/rpError.ts";

const settingsMax = 5;
/** The name of a setting of install-config.yaml, and what kind of fault it has; the value between them is left out. */
const refusedSetting =
  /(?<![\w.])((?:metadata|baseDomain|controlPlane|compute|networking|platform|publish|pullSecret|sshKey|credentialsMode)(?:\.[A-Za-z]{1,40}|\[\d{1,3}\]){0,8}): (Invalid value|Required value|Unsupported value|Not found|Forbidden|Internal error)\b/g;

/** What Microsoft Entra says when a service principal can't sign in with what it was given. */
const cannotSignIn = /AADSTS(7000215|7000222|700016|90002|900023|7000112)\b/;

/** What Azure could not answer, or not yet; a setting that needs the answer is then called invalid too. */
const mayPass =
  /StatusCode=(0|401|403|408|429|5\d\d)\b|RESPONSE (401|403|408|429|5\d\d)\b|context deadline exceeded|connection (refused|reset)|i\/o timeout|no such host|TLS handshake/;

/** @returns a fault that trying again cannot mend; `undefined` for every other. */
export function installFault(errors: string): TerminalError | undefined {
  const signIn = cannotSignIn.exec(errors)?.[0];
  if (signIn !== undefined) {
    return new TerminalError({
      code: "InvalidServicePrincipalCredentials",
      message: `The cluster's service principal can't sign in with the secret that was given (${signIn}).`,
    });
  }
  if (mayPass.test(errors)) return undefined;
  const settings = new Set<string>();
  for (const [, name, fault] of errors.matchAll(refusedSetting)) {
    // what it could not find out may be known later
    if (fault !== "Internal error") settings.add(`${name}: ${fault}`);
  }
  if (settings.size === 0) return undefined;
  return new TerminalError({
    code: "InstallationFailed",
    message: `openshift-install refuses what it was told of the cluster: ${[...settings].slice(0, settingsMax).join("; ")}.`,
  });
}
