import { existsSync, readFileSync } from "node:fs";

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  /** Undefined of the last one, which is the image. */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

const ROOT = new URL("../../", import.meta.url);
export const inRoot = (path: string): URL => new URL(path, ROOT);

export const readDockerfile = (): Stage[] =>
  stagesOf(readFileSync(inRoot("docker/Dockerfile"), "utf8"));

/** The stages of a Dockerfile, with continued lines joined and comments left out. */
export function stagesOf(dockerfile: string): Stage[] {
  const lines = dockerfile.split("\n");
  const text = lines.filter((line) => !line.startsWith("#")).join("\n");
  const instructions = text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): Instruction => {
      const [, name, rest] = /^(\w+)\s+(.*)$/.exec(line)!;
      return { name: name!, text: rest! };
    });
  const stages: { name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.name === "FROM") {
      stages.push({ name: / AS (\w+)$/i.exec(instruction.text)?.[1], instructions: [] });
    }
    stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

/** The last text of an instruction in a stage. */
export function textOf({ instructions }: Stage, name: string): string {
  const found = instructions.findLast((instruction) => instruction.name === name);
  if (!found) throw new Error(`the stage has no ${name}`);
  return found.text;
}

export interface Copy {
  /** A stage; undefined = the build context. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

export function copiesOf({ instructions }: Stage): Copy[] {
  return instructions
    .filter(({ name }) => name === "COPY")
    .map(({ text }) => {
      const from = /^--from=(\w+) /.exec(text)?.[1];
      const paths = text.split(/\s+/).filter((word) => !word.startsWith("--"));
      return { from, sources: paths.slice(0, -1), target: paths.at(-1)! };
    });
}

/** What .dockerignore leaves of the root: it hides all, and names what is let through. */
export function contextEntries(): string[] {
  const lines = readFileSync(inRoot(".dockerignore"), "utf8").split("\n");
  const rules = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (rules[0] !== "*" || rules.slice(1).some((rule) => !/^![\w.-]+$/.test(rule))) {
    throw new Error(".dockerignore is more than a list of what is let through");
  }
  return rules
    .slice(1)
    .map((rule) => rule.slice(1))
    .filter((entry) => existsSync(inRoot(entry)));
}
