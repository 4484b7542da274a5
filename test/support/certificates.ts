import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An authority of our own and a certificate of it, for one name. */
export interface Certificates extends Disposable {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export function makeCertificates(name: string): Certificates {
  const directory = mkdtempSync(join(tmpdir(), "novastream-tls-"));
  const file = (base: string) => join(directory, base);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const days = ["-days", "2"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    ...days,
    "-subj",
    "/CN=test-authority",
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
  );
  openssl("req", ...key, "-subj", `/CN=${name}`, "-keyout", "server.key", "-out", "server.csr");
  writeFileSync(file("names"), `subjectAltName=DNS:${name}`);
  const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
  openssl(
    "x509",
    "-req",
    "-in",
    "server.csr",
    ...authority,
    ...days,
    "-extfile",
    "names",
    "-out",
    "server.pem",
  );
  return {
    caFile: file("ca.pem"),
    certificateFile: file("server.pem"),
    keyFile: file("server.key"),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** As redis-server takes them: TLS on this port, for clients without a certificate of their own. */
export function tlsSettings(certificates: Certificates, port: number): Record<string, string> {
  return {
    "tls-port": String(port),
    "tls-auth-clients": "no",
    "tls-cert-file": certificates.certificateFile,
    "tls-key-file": certificates.keyFile,
    "tls-ca-cert-file": certificates.caFile,
  };
}

/** The same as on the command line. */
export const asArguments = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
