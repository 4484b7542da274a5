import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";

const run = promisify(execFile);

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The `$ command` lines of the README's console blocks, each with the output that is shown below it. */
function steps(readme: string): Step[] {
  return [...readme.matchAll(/```console\n(.*?)```/gs)].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((text) => ({
        command: text.slice(0, text.indexOf("\n")),
        output: text.slice(text.indexOf("\n") + 1),
      })),
  );
}

/** What differs from run to run, made equal. */
function normalise(output: string): string {
  return output
    .replaceAll(/\d{13}-(\d+)/g, "<ms>-$1")
    .replaceAll(/gen-[0-9a-f-]{36}/g, "<generation>")
    .replaceAll(/"time":\d{13}/g, '"time":<ms>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>")
    .replaceAll(/"connectionId":"[^"]+"/g, '"connectionId":"<id>"')
    .replaceAll(/"requestId":"[^"]+"/g, '"requestId":"<id>"')
    .replaceAll(/gen-[0-9a-f-]{36}/g, "gen-<id>")
    .replaceAll(/"created":\d{10}/g, '"created":<s>')
    .trim();
}

/** The block of JavaScript that imports this. */
function snippet(readme: string, module: string): string {
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!);
  const found = blocks.find((code) => code.includes(`from "${module}"`));
  if (!found) throw new Error(`there is no snippet for ${module}`);
  return found;
}

describe("the README's snippet for", () => {
  it.each(["openai", "openai-v7"])(
    "%s says what the model says",
    verifies("tour"),
    async (name) => {
      await using service = await ServiceProcess.start();
      const code = snippet(readFileSync("README.md", "utf8"), "openai")
        .replaceAll("http://127.0.0.1:8080", service.url)
        .replace('from "openai"', `from "${name}"`);
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code]);
      expect(stdout).toBe("You said: 你好, world");
    },
  );
});

describe("the README's tour", () => {
  it("does what it shows, command by command", verifies("tour"), async () => {
    await using service = await ServiceProcess.start({ AI_DEMO_DELAY: "50ms" });
    const state = mkdtempSync(join(tmpdir(), "novastream-tour-"));
    onTestFinished(() => rmSync(state, { recursive: true }));
    const all = steps(readFileSync("README.md", "utf8"));
    expect(all.length).toBeGreaterThan(10);
    for (const { command, output } of all) {
      const own = command.replaceAll("http://127.0.0.1:8080", service.url);
      const { stdout } = await run("bash", ["-c", own], {
        env: { ...process.env, NOVASTREAM_SERVER: service.url, XDG_STATE_HOME: state },
      }).catch(
        // A stream cut by -m, and a program's own exit code, are part of the tour.
        (error: { stdout: string }) => error,
      );
      expect(normalise(stdout), command).toBe(normalise(output));
    }
  });
});
