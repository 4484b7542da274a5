import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificateAuthority } from "../../src/redis/certificate-authority.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { verifies } from "../support/verifies.ts";

describe("the authority of Redis' certificates", () => {
  let certificates: Certificates;
  const directory = mkdtempSync(join(tmpdir(), "novastream-authority-"));
  const file = (text: string): string => {
    const path = join(directory, "ca.pem");
    writeFileSync(path, text);
    return path;
  };
  beforeAll(() => {
    certificates = makeCertificates("localhost");
  });
  afterAll(() => {
    certificates[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });

  it("is one certificate or several, whatever stands before them", verifies("redis-forms"), () => {
    const pem = readCertificateAuthority(certificates.caFile);
    const several = `# of two\n${pem}${pem}`;
    expect(readCertificateAuthority(file(several))).toBe(several);
  });

  it("is refused by the name of its variable where it is none", verifies("redis-forms"), () => {
    const pem = readCertificateAuthority(certificates.caFile);
    // As tools print lists of certificates.
    for (const text of ["", "hello", `['${pem.replaceAll("\n", String.raw`\n`)}']`])
      expect(() => readCertificateAuthority(file(text))).toThrow(
        /^REDIS_CA_FILE: .*ca\.pem holds no certificate in PEM$/,
      );
    expect(() => readCertificateAuthority(join(directory, "absent"))).toThrow(
      /^REDIS_CA_FILE: ENOENT.*absent/,
    );
  });
});
