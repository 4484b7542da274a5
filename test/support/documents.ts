import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { inRoot } from "../contract/support-dockerfile.ts";

export const readDocument = (path: string): string => readFileSync(inRoot(path), "utf8");

/** All that people read of the repository, decision records apart: those tell of their day. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  "k8s/README.md",
  ...readdirSync(inRoot("docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** The blocks of code of a language. */
export const blocksOf = (text: string, language: string): string[] =>
  [...text.matchAll(FENCE)].filter(([, name]) => name === language).map(([, , code]) => code!);

/** The commands of all shell blocks, each on one line and without its comment. */
export const commandsOf = (text: string): string[] =>
  blocksOf(text, "sh")
    .join("\n")
    .replaceAll(/\s*\\\n\s*/g, " ")
    .split("\n")
    .map((line) => line.replace(/(^|\s+)# .*$/, "").trim())
    .filter((line) => line !== "");

/** The text from a heading to the next of its level or above. @throws where there is no such heading */
export function sectionOf(text: string, heading: string): string {
  const level = /^#+/.exec(heading)![0].length;
  const from = `${text}\n`.indexOf(`${heading}\n`);
  if (from < 0) throw new Error(`no heading "${heading}"`);
  const body = text.slice(from + heading.length);
  const end = body.search(new RegExp(`^#{1,${level}} `, "m"));
  return end < 0 ? body : body.slice(0, end);
}

/** Rows of all tables, each its cells; the lines under their heads are left out. */
export const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );

/** The fragments by which GitHub links to a document's headings. */
function fragmentsOf(text: string): Set<string> {
  const prose = text.replaceAll(FENCE, "");
  return new Set(
    [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** Links of a document that lead nowhere: to no file, or to no heading of one. */
export function brokenLinks(path: string, text: string): string[] {
  const prose = text.replaceAll(FENCE, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link!)) return [];
    const [file, fragment] = link!.split("#");
    const target = file === "" ? path : posix.join(posix.dirname(path), file!);
    if (!existsSync(inRoot(target))) return [`${path}: ${link}: no such file`];
    if (fragment === undefined) return [];
    const there = fragmentsOf(target === path ? text : readDocument(target));
    return there.has(fragment) ? [] : [`${path}: ${link}: no such heading`];
  });
}

/** The overlay that the guide's reader makes. */
const READERS_OWN = /^k8s\/overlays\/mine\b/;

const PLACE =
  /(?<![\w/.:-])(?:(?:\.\.\/)+)?((?:k8s|docker|docs|observability|test|src|bench|chaos|tools|components|overlays|charts)\/[\w./{},*…-]*)/g;

/** Is it there, or the beginning of what is, as the names are that are given to vitest? */
function isPlace(path: string): boolean {
  const full = /^(components|overlays|charts)\//.test(path) ? `k8s/${path}` : path;
  const bare = full.replace(/\*$/, "").replace(/[.,]$/, "");
  if (READERS_OWN.test(bare) || existsSync(inRoot(bare))) return true;
  const [parent, start] = [posix.dirname(bare), posix.basename(bare)];
  return (
    (bare.startsWith("test/") || full.endsWith("*")) &&
    existsSync(inRoot(parent)) &&
    readdirSync(inRoot(parent)).some((name) => name.startsWith(start))
  );
}

/** Paths of this repository that a document names in its code and that are not there. */
export function missingPlaces(path: string, text: string): string[] {
  const code = [...text.matchAll(/`([^`\n]+)`/g), ...text.matchAll(FENCE)].map((match) =>
    match.at(-1)!.replaceAll(/https?:\/\/\S+/g, ""),
  );
  return code
    .flatMap((words) => [...words.matchAll(PLACE)].map(([, place]) => place!))
    .filter((place) => !/[{…]/.test(place) && !isPlace(place))
    .map((place) => `${path}: ${place}`);
}
