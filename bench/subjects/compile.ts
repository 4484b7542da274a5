import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Compiles the C loop to `binary`. @returns why it could not be; undefined where it could */
export async function compileFanOut(binary: string): Promise<string | undefined> {
  const source = fileURLToPath(new URL("fan-out.c", import.meta.url));
  try {
    await promisify(execFile)("cc", ["-O2", "-o", binary, source]);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "no C compiler (cc) is here";
    throw new Error("fan-out.c does not compile", { cause: error });
  }
}
