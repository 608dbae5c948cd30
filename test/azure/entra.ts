/**
 * Entra ID: issues tokens to applications for their secrets, as its v2.0 endpoints do. Its tokens must never be good for
 * anything but the stand-in that issued them.
 */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { AzureAnswer, AzureRequest, AzureService, AzureSurroundings } from "./azureService.ts";

/** An application with its service principal in the tenant. */
export interface AzureApplication {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Of the service principal: whom roles are assigned to. */
  readonly objectId: string;
}

const lifetimeSeconds = 3599;

export class Entra implements AzureService {
  readonly tenantId = randomUUID();
  /** By client id. */
  readonly #applications = new Map<string, AzureApplication>();
  readonly #key = randomBytes(32);
  readonly #surroundings: AzureSurroundings;

  constructor(surroundings: AzureSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Registers an application with a secret of its own. */
  register(): AzureApplication {
    const application = {
      clientId: randomUUID(),
      clientSecret: randomBytes(20).toString("base64url"),
      objectId: randomUUID(),
    };
    this.#applications.set(application.clientId, application);
    return application;
  }

  /** Gives an application another secret; the one before is good for nothing. */
  renewSecret(application: AzureApplication): AzureApplication {
    const renewed = { ...application, clientSecret: randomBytes(20).toString("base64url") };
    this.#applications.set(application.clientId, renewed);
    return renewed;
  }

  /** Whether an application signs in by the secret. */
  signsIn(clientId: string, clientSecret: string): boolean {
    return this.#applications.get(clientId)?.clientSecret === clientSecret;
  }

  /** Whether it is the service principal of a registered application. */
  isPrincipal(objectId: string): boolean {
    return [...this.#applications.values()].some((known) => known.objectId === objectId);
  }

  /** The object id of whom the token was issued to; `undefined` for any other token. */
  holderOf(token: string): string | undefined {
    const [head, claims, signature] = token.split(".");
    if (head === undefined || claims === undefined || signature === undefined) return undefined;
    const right = this.#sign(`${head}.${claims}`);
    const given = Buffer.from(signature);
    if (given.length !== right.length || !timingSafeEqual(given, Buffer.from(right))) {
      return undefined;
    }
    return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { oid: string }).oid;
  }

  async handle(request: AzureRequest): Promise<AzureAnswer | undefined> {
    const { pathname } = request.url;
    const [, tenant = "", ...rest] = pathname.split("/");
    const route = rest.join("/");
    if (route === "v2.0/.well-known/openid-configuration") return this.#configuration(tenant);
    if (route === "oauth2/v2.0/token" && request.method === "POST") {
      return this.#token(tenant, new URLSearchParams(request.body.toString()));
    }
    return undefined;
  }

  #configuration(tenant: string): AzureAnswer {
    const authority = `${this.#surroundings.url}/${tenant}`;
    return {
      status: 200,
      body: {
        issuer: `${authority}/v2.0`,
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        token_endpoint: `${authority}/oauth2/v2.0/token`,
        end_session_endpoint: `${authority}/oauth2/v2.0/logout`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
        token_endpoint_auth_methods_supported: ["client_secret_post"],
        response_types_supported: ["code"],
        subject_types_supported: ["pairwise"],
        id_token_signing_alg_values_supported: ["RS256"],
      },
    };
  }

  #token(tenant: string, form: URLSearchParams): AzureAnswer {
    if (tenant !== this.tenantId) {
      return this.#refuse(400, "invalid_request", 90002, `Tenant '${tenant}' not found.`);
    }
    if (form.get("grant_type") !== "client_credentials") {
      return this.#refuse(
        400,
        "unsupported_grant_type",
        70003,
        `The app requested an unsupported grant type '${form.get("grant_type")}'.`,
      );
    }
    const clientId = form.get("client_id") ?? "";
    const application = this.#applications.get(clientId);
    if (application === undefined) {
      return this.#refuse(
        400,
        "unauthorized_client",
        700016,
        `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the ` +
          "application has not been installed by the administrator of the tenant or consented to by any user in the tenant. " +
          "You may have sent your authentication request to the wrong tenant.",
      );
    }
    const secret = form.get("client_secret");
    if (secret === null) {
      return this.#refuse(
        401,
        "invalid_client",
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
      );
    }
    if (secret !== application.clientSecret) {
      return this.#refuse(
        401,
        "invalid_client",
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the " +
          `client secret ID, for a secret added to app '${clientId}'.`,
      );
    }
    return {
      status: 200,
      body: {
        token_type: "Bearer",
        expires_in: lifetimeSeconds,
        ext_expires_in: lifetimeSeconds,
        access_token: this.#issue(application, form.get("scope") ?? ""),
      },
    };
  }

  #issue(application: AzureApplication, scope: string): string {
    const now = Math.floor(this.#surroundings.clock.now() / 1000);
    const head = encode({ typ: "JWT", alg: "HS256" });
    const claims = encode({
      aud: scope.replace(/\/?\.default$/, ""),
      iss: `${this.#surroundings.url}/${this.tenantId}/`,
      iat: now,
      nbf: now,
      exp: now + lifetimeSeconds,
      appid: application.clientId,
      appidacr: "1",
      idtyp: "app",
      oid: application.objectId,
      sub: application.objectId,
      tid: this.tenantId,
      ver: "1.0",
    });
    return `${head}.${claims}.${this.#sign(`${head}.${claims}`)}`;
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }

  #refuse(status: number, error: string, code: number, message: string): AzureAnswer {
    const timestamp = new Date(this.#surroundings.clock.now()).toISOString().replace("T", " ");
    const traceId = randomUUID();
    const correlationId = randomUUID();
    return {
      status,
      body: {
        error,
        error_description:
          `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} ` +
          `Timestamp: ${timestamp}`,
        error_codes: [code],
        timestamp,
        trace_id: traceId,
        correlation_id: correlationId,
        error_uri: `https://login.microsoftonline.com/error?code=${code}`,
      },
    };
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
