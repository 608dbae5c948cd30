/**
 * The HTTPS server under a listener, which asks every caller for a certificate. It refuses nobody itself: a handshake without a
 * certificate that counts succeeds, so that the caller gets an answer it can read, and the authenticator judges by what is kept
 * here of the handshake. That is taken once: nothing later on the connection can change who its caller is.
 */
import { constants, type X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerOptions } from "node:http";
import { Server } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { ListenerTls } from "./tlsCredentials.ts";

/** What the handshake has shown of the other side. */
export interface Peer {
  /** Its private key is there too, or the handshake would have failed. */
  readonly certificate: X509Certificate;
  /** Why the chain of the certificate does not lead to `authorities`; absent if it does. */
  readonly chainFault?: string;
  /** The trusted certificates by which that was judged. */
  readonly authorities: string;
}

const peers = new WeakMap<Socket, Peer>();
const established = new WeakSet<Socket>();

/** Whoever has presented a certificate on the connection of this request. */
export function peerOf({ socket }: IncomingMessage): Peer | undefined {
  return peers.get(socket);
}

/** Whether the handshake on it has not ended. */
export function isOfHandshake(socket: Duplex): boolean {
  return socket instanceof TLSSocket && !established.has(socket);
}

const handshake = {
  requestCert: true,
  rejectUnauthorized: false,
  handshakeTimeout: 15_000,
} as const;

/**
 * A session that is resumed would carry an identity over from a handshake under other rules, and one that is renegotiated could
 * change it.
 */
const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

function contextOf({ identity, authorities }: ListenerTls) {
  return {
    ...identity,
    // without any of its own Node trusts the public authorities, of which nobody here makes use
    ...(authorities === "" ? {} : { ca: authorities }),
    minVersion: "TLSv1.2",
    secureOptions,
  } as const;
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

export class SecureServer extends Server {
  /** By the address of the other side, which both sockets of a connection have: the plain one and that of TLS. */
  readonly #handshakes = new Map<string, Socket>();

  /** Uses the credentials as they are at each handshake. */
  constructor(options: ServerOptions, credentials: ListenerTls) {
    super({ ...options, ...handshake, ...contextOf(credentials) });
    this.prependListener("connection", (socket: Socket) => {
      const address = addressOf(socket);
      this.#handshakes.set(address, socket);
      socket.once("close", () => {
        if (this.#handshakes.get(address) === socket) this.#handshakes.delete(address);
      });
    });
    let { authorities } = credentials;
    this.prependListener("secureConnection", (socket: TLSSocket) => {
      this.#handshakes.delete(addressOf(socket));
      established.add(socket);
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return;
      peers.set(socket, {
        certificate,
        ...(socket.authorized ? {} : { chainFault: String(socket.authorizationError) }),
        authorities,
      });
    });
    credentials.onChanged(() => {
      this.setSecureContext(contextOf(credentials));
      if (credentials.authorities === authorities) return;
      ({ authorities } = credentials);
      // they were let in by authorities that may not count any more; those under way the authenticator finds out
      this.closeIdleConnections();
    });
  }

  /** Those too on which the handshake goes on: nothing was asked on them. */
  override closeIdleConnections(): void {
    for (const socket of this.#handshakes.values()) socket.destroy();
    super.closeIdleConnections();
  }
}
