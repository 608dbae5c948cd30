/**
 * Rules about the domain of a cluster: a full domain name, or a label that an installer puts before its own domain. Hosts
 * are named below it, and every client has to understand them.
 */
import { domainRefusal } from "../model/clusterDomain.ts";
import { shown } from "../model/shownText.ts";
import { domainToUnicode } from "node:url";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

/** The longest host below it, `console-openshift-console.apps.…`, then has DNS's 253. */
const lengthMax = 222;
const name = /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/i;

/** A fault unless hosts can be named below this domain, and a cluster by its first part. */
export function domainFaults(domain: string, path: string): Fault[] {
  if (domain.length <= lengthMax && name.test(domain) && isHost(domain)) {
    const refusal = domainRefusal(domain);
    if (refusal === undefined) return [];
    return [refused(path, `OpenShift can't be installed for '${shown(domain)}': ${refusal}.`)];
  }
  return [
    refused(
      path,
      `'${shown(domain)}' is neither a label nor a full domain name that hosts can be named ` +
        "below, such as 'mycluster' or 'mycluster.example.com': letters, digits and '-' between " +
        `full stops, at most ${lengthMax} characters.`,
    ),
  ];
}

/** What ends in a number is read as an address; and browsers refuse a host whose Punycode (`xn--`) means nothing. */
function isHost(domain: string): boolean {
  const host = domain.includes(".") ? domain : `${domain}.example`;
  if (/\.\d+$/.test(host) || !URL.canParse(`https://${host}/`)) return false;
  return !/(^|\.)xn--/.test(domainToUnicode(host));
}
