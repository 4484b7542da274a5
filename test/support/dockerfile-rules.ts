import { readFileSync } from "node:fs";
import { inRoot, type Stage, stagesOf } from "../contract/support-dockerfile.ts";

/** What a build runs: what the lock file names, no script of a dependency, and in the end nothing of development. */
const RUNS = [
  "npm ci --ignore-scripts --no-audit --no-fund",
  "npm run build",
  "npm prune --omit=dev --ignore-scripts --no-audit --no-fund",
];

/** The release of Node that the tests run on besides the oldest: what the image runs has to be tested. */
const tested = /node@(\d+)/.exec(readFileSync(inRoot(".ci/run"), "utf8"))![1]!;

const instructionsOf = ({ instructions }: Stage, name: string): string[] =>
  instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);

/** What a Dockerfile does otherwise than this image has to be made, each in a few words. */
export function dockerfileProblems(text: string): string[] {
  const wrong: string[] = [];
  const stages = stagesOf(text);
  const [, base = ""] = /^ARG NODE_IMAGE=(\S+)$/m.exec(text) ?? [];
  if (!new RegExp(String.raw`^node:${tested}(\.\d+)*-trixie-slim(@sha256:\w{64})?$`).test(base))
    wrong.push(`base ${base}`);
  for (const stage of stages) {
    const [from] = instructionsOf(stage, "FROM");
    if (!from!.startsWith("${NODE_IMAGE}")) wrong.push(`FROM ${from}`);
  }
  const runs = stages
    .flatMap((stage) => instructionsOf(stage, "RUN"))
    .flatMap((run) => run.split("&&").map((command) => command.trim()));
  if (runs.join() !== RUNS.join()) wrong.push(`RUN ${runs.join(" && ")}`);
  const image = stages.at(-1)!;
  if (!instructionsOf(image, "ENV").includes("NODE_ENV=production")) wrong.push("ENV");
  const [check = ""] = instructionsOf(image, "HEALTHCHECK");
  // Not whether it may be sent clients: an engine that restarts what drains would cut them.
  if (!check.includes("http://127.0.0.1:${process.env.PORT || 8080}/livez`"))
    wrong.push("HEALTHCHECK");
  const copies = instructionsOf(image, "COPY");
  for (const what of [
    "--from=build /app/node_modules ./node_modules",
    "--from=build /app/dist ./dist",
  ])
    if (!copies.includes(what)) wrong.push(`no COPY ${what}`);
  // Whoever it runs as must not be able to change what it runs.
  if (copies.some((copy) => /--ch(own|mod)/.test(copy))) wrong.push("COPY --chown");
  return wrong;
}
