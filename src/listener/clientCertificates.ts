/**
 * The authenticator that lets in one subject of a private authority (mutual TLS). The chain is what TLS has verified; subject
 * and time are judged here, for each request. The subject is compared whole: a part of a name is no identity.
 */
import type { X509Certificate } from "node:crypto";
import { RpError } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import { unknownCaller, type Authenticator } from "./authenticator.ts";
import { peerOf } from "./secureServer.ts";
import { validityFault, type TlsCredentials } from "./tlsCredentials.ts";

export interface ClientCertificatesOptions {
  /** The only one that is let in, as `subjectOf` writes it. */
  readonly subject: string;
  readonly credentials: TlsCredentials;
  readonly clock: Clock;
}

export function clientCertificates(options: ClientCertificatesOptions): Authenticator {
  const { subject, credentials, clock } = options;
  return {
    judge(request) {
      const peer = peerOf(request);
      if (peer === undefined) return unknownCaller("no certificate was presented");
      if (peer.authorities !== credentials.authorities) {
        // what TLS has verified on this connection says nothing about the present authorities
        return {
          refusal: new RpError(
            {
              code: "ServiceUnavailable",
              message: "The trusted authorities have changed; connect again.",
            },
            { retryAfterSeconds: 1, headers: { Connection: "close" } },
          ),
          reason: "the connection is older than the trusted authorities",
        };
      }
      const { certificate, chainFault } = peer;
      if (chainFault !== undefined)
        return unknownCaller(`the certificate is not trusted: ${chainFault}`);
      const timeFault = validityFault(certificate, clock.now());
      if (timeFault !== undefined) return unknownCaller(`the certificate ${timeFault}`);
      const presented = subjectOf(certificate);
      if (presented !== subject) {
        return unknownCaller(`the subject is '${presented}', and only '${subject}' may call`);
      }
      return { caller: { isAuthenticated: true, subject: presented } };
    },
  };
}

/**
 * The distinguished name of a certificate's subject in the order of RFC 4514, that is with the most specific part first, such
 * as `CN=caller,O=Example\, Inc.,C=US`. Different names give different texts: what has a meaning in it is escaped in values.
 */
export function subjectOf({ subject }: X509Certificate): string {
  // Node gives a line for each part, in the order of the certificate; line feeds in values are escaped
  return (subject ?? "")
    .split("\n")
    .map((part) => part.split(" + ").toReversed().join("+"))
    .toReversed()
    .join(",");
}
