import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { inRoot, readDockerfile } from "../contract/support-dockerfile.ts";
import { dockerfileProblems } from "../support/dockerfile-rules.ts";
import { verifies } from "../support/verifies.ts";

const text = readFileSync(inRoot("docker/Dockerfile"), "utf8");
const complaints = (dockerfile: string) => validate(dockerfile).map(({ message }) => message);

describe("docker/Dockerfile, as a linter sees it", () => {
  it("has nothing to complain of", verifies("image"), () => {
    expect(complaints(text)).toEqual([]);
  });

  it.each([
    ["an instruction that does not exist", "USER 10001:10001", "USERR 10001:10001"],
    ["a flag that does not exist", "COPY --from=build", "COPY --form=build"],
    ["a stage that is named twice", "FROM ${NODE_IMAGE}\n", "FROM ${NODE_IMAGE} AS build\n"],
    ["a port that is none", "EXPOSE 8080", "EXPOSE http!"],
    ["a signal that is none", "STOPSIGNAL SIGTERM", "STOPSIGNAL sig-term"],
    ["a second health check", 'CMD ["node", "--enable', 'HEALTHCHECK NONE\nCMD ["node", "--enable'],
    ["a health check's flag", "--interval=10s", "--every=10s"],
    ["a duration that is none", "--timeout=3s", "--timeout=3"],
  ])("finds %s", verifies("image"), (_, right, wrong) => {
    const planted = text.replace(right, wrong);
    expect(planted).not.toBe(text);
    expect(complaints(planted)).not.toEqual([]);
  });

  it(
    "fetches nothing but by the lock file, in no stage as a shell that has to stay",
    verifies("image"),
    () => {
      const stages = readDockerfile();
      const runs = stages.flatMap(({ instructions }) =>
        instructions.filter(({ name }) => name === "RUN"),
      );
      expect(runs.map(({ text: run }) => run).join("\n")).not.toMatch(
        /curl|wget|apt|npm (i|install)\b/,
      );
      // The last stage runs nothing while it is built: what is in it was copied.
      expect(
        stages
          .at(-1)!
          .instructions.some(({ name }) => ["RUN", "ADD", "SHELL", "ENTRYPOINT"].includes(name)),
      ).toBe(false);
      for (const name of ["CMD", "HEALTHCHECK"]) {
        const found = stages.at(-1)!.instructions.find((instruction) => instruction.name === name)!;
        expect(found.text, name).toMatch(/\["node", .*\]$/);
      }
    },
  );

  it(
    "is made of the Node that is tested, by the lock file, with no script of a dependency",
    verifies("image"),
    () => {
      expect(dockerfileProblems(text)).toEqual([]);
    },
  );

  it.each([
    ["an old Node", "ARG NODE_IMAGE=node:26-trixie-slim", "ARG NODE_IMAGE=node:18-trixie-slim"],
    [
      "a Node that is not tested",
      "ARG NODE_IMAGE=node:26-trixie-slim",
      "ARG NODE_IMAGE=node:27-trixie-slim",
    ],
    ["any Node", "ARG NODE_IMAGE=node:26-trixie-slim", "ARG NODE_IMAGE=node:latest"],
    [
      "a base with a compiler and a shell's tools",
      "ARG NODE_IMAGE=node:26-trixie-slim",
      "ARG NODE_IMAGE=node:26-trixie",
    ],
    ["another base for the image", "\nFROM ${NODE_IMAGE}\n", "\nFROM node:18\n"],
    ["scripts of dependencies", "npm ci --ignore-scripts", "npm ci"],
    ["no lock file", "npm ci --ignore-scripts", "npm install --ignore-scripts"],
    ["scripts while it prunes", "--omit=dev --ignore-scripts", "--omit=dev"],
    ["what only development needs", "npm prune --omit=dev", "npm prune"],
    ["no build", "npm run build && ", ""],
    ["development's way to run", "NODE_ENV=production", "NODE_ENV=development"],
    ["a health check of another path", "/livez`", "/readyz`"],
    ["a health check of another port", "PORT || 8080", "PORT || 80"],
    [
      "files that the service may change",
      "COPY --from=build /app/dist",
      "COPY --chown=10001 --from=build /app/dist",
    ],
  ])("is not so with %s", verifies("image"), (_, right, wrong) => {
    const planted = text.replace(right, wrong);
    expect(planted).not.toBe(text);
    expect(dockerfileProblems(planted)).not.toEqual([]);
  });

  it("says what it is, from which commit, on which base", verifies("image"), () => {
    const labels = readDockerfile()
      .at(-1)!
      .instructions.find(({ name }) => name === "LABEL")!.text;
    for (const key of ["title", "description", "licenses", "version", "revision", "base.name"])
      expect(labels).toContain(`org.opencontainers.image.${key}=`);
    const { license } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as {
      license: string;
    };
    expect(labels).toContain(`licenses="${license}"`);
  });
});
