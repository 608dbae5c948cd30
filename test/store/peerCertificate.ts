/** A certificate for peers on this machine, which whoever is to believe them must be told to trust. */
import { generateKeyPairSync } from "node:crypto";
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

/**
 * Of this machine, for an hour; both PEM.
 *
 * @param names that the peers have besides.
 */
export async function issueCertificate(
  names: readonly string[] = [],
): Promise<{ readonly cert: string; readonly key: string }> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=peer",
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, true, ["sign"]),
      publicKey: publicKey.toCryptoKey(algorithm, true, ["verify"]),
    },
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "ip", value: "127.0.0.1" },
        ...["localhost", ...names].map((value) => ({ type: "dns" as const, value })),
      ]),
    ],
  });
  return {
    cert: certificate.toString("pem"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
