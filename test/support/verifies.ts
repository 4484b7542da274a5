import type { TestOptions } from "vitest";
import type { RequirementId } from "../requirements.ts";

/** Says which requirements a test proves; `test/unit/requirements.test.ts` reads it from the source. */
export function verifies(...ids: RequirementId[]): TestOptions {
  void ids;
  return {};
}
