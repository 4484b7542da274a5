import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import type { Reaper } from "../reaper.ts";
import { SubjectProcess } from "./subject-process.ts";

/** @returns why there is none here; undefined where there is one */
export function missingRedis(): string | undefined {
  return spawnSync("redis-server", ["--version"]).error
    ? "redis-server is not on the PATH (test/setup.sh installs it)"
    : undefined;
}

/** A fresh one that keeps nothing on disk. */
export function startRedis(reaper: Reaper): Promise<SubjectProcess> {
  return SubjectProcess.start({
    title: "redis-server",
    reaper,
    command: (port) => ({
      file: "redis-server",
      args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmpdir()],
    }),
  });
}

export function redisUrl({ port }: SubjectProcess): string {
  return `redis://127.0.0.1:${port}`;
}
