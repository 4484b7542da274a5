import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

/** Thrown where the file that `REDIS_CA_FILE` names holds no certificate, or cannot be read. */
export class CertificateAuthorityError extends Error {
  override name = "CertificateAuthorityError";
}

/**
 * The certificates of an authority, in PEM. TLS itself takes any text for them without a word, and then trusts nobody:
 * each connection would fail, with an error that speaks of the server's certificate.
 * @throws CertificateAuthorityError
 */
export function readCertificateAuthority(path: string): string {
  try {
    const pem = readFileSync(path, "utf8");
    void new X509Certificate(pem);
    return pem;
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).syscall
      ? (cause as Error).message
      : `${path} holds no certificate in PEM`;
    throw new CertificateAuthorityError(`REDIS_CA_FILE: ${reason}`, { cause });
  }
}
