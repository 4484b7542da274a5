import { describe, expect, it } from "vitest";
import { brokenLinks, DOCUMENTS, missingPlaces, readDocument } from "../support/documents.ts";
import { verifies } from "../support/verifies.ts";

describe.each(DOCUMENTS)("%s", (path) => {
  const text = readDocument(path);

  it("links to files and headings that are there", verifies("documented-places"), () => {
    expect(brokenLinks(path, text)).toEqual([]);
  });

  it("names paths that are there", verifies("documented-places"), () => {
    expect(missingPlaces(path, text)).toEqual([]);
  });
});

describe("a planted error", () => {
  it.each([
    ["a file that is not there", "see [it](nowhere.md)"],
    ["a heading that is not there", "see [it](deploy.md#sizes)"],
    ["a heading of this document that is not there", "see [it](#nothing)"],
  ])("is found: %s", verifies("documented-places"), (_, planted) => {
    expect(brokenLinks("docs/gateways.md", planted)).toHaveLength(1);
  });

  it.each([
    ["an overlay", "`kubectl apply -k k8s/overlays/kong-gcp`"],
    ["a component", "put `components/valkey` there"],
    ["a file", "```sh\nkubectl apply -f ../k8s/base/service.yaml\n```"],
    ["a test", "`npx vitest run test/contract/manifsets`"],
  ])("is found: %s", verifies("documented-places"), (_, planted) => {
    expect(missingPlaces("docs/deploy.md", planted)).toHaveLength(1);
  });

  it("is not what is there", verifies("documented-places"), () => {
    const right =
      "[a](deploy.md#when-one-redis-is-not-enough) [b](../README.md) [c](https://x.y/#z)";
    expect(brokenLinks("docs/gateways.md", right)).toEqual([]);
    const places = "`k8s/overlays/kong-gke` `test/contract/manifest` `components/redis` `src/`";
    expect(missingPlaces("docs/deploy.md", places)).toEqual([]);
  });
});
