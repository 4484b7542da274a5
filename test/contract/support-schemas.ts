import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { at, type Json, type Members } from "./support-document.ts";

const ROOT = "contract";
const POINTER = "#/components/schemas/";

/** Members of the document's schemas that say nothing about what is valid. */
const SILENT = ["example", "x-problems"];

/**
 * Closes every object that says which members it has: the contract lets answers grow, and its readers ignore what they
 * do not know, but an answer of today with a member that the document does not list is a member that was forgotten.
 */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const members = Object.fromEntries(
    Object.entries(schema).map(([name, value]) =>
      name === "$ref"
        ? [name, (value as string).replace(POINTER, `${ROOT}#/$defs/`)]
        : [name, closed(value)],
    ),
  );
  const open =
    members["type"] === "object" &&
    members["properties"] &&
    members["additionalProperties"] === undefined;
  return open ? { ...members, unevaluatedProperties: false } : members;
}

const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allErrors: true,
});
// The plugin's types know CommonJS alone.
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
ajv.addVocabulary(SILENT);
// An annotation by default. Here text that says it is JSON is parsed and looked at: SSE carries its data so.
ajv.removeKeyword("contentSchema");
ajv.addKeyword({
  keyword: "contentSchema",
  type: "string",
  schemaType: ["object", "boolean"],
  compile: (schema: Members) => {
    const validate = ajv.compile(schema);
    return function check(text: string): boolean {
      const valid = validate(JSON.parse(text));
      (check as { errors?: unknown }).errors = validate.errors ?? [];
      return valid;
    };
  },
});
ajv.addSchema({ $id: ROOT, $defs: closed(at("#/components/schemas")) as Members });

const compiled = new WeakMap<Members, ValidateFunction>();

/** What is wrong with `value` by a schema of the document; undefined where nothing is. */
export function faultOf(schema: Members, value: unknown): string | undefined {
  let validate = compiled.get(schema);
  if (!validate) compiled.set(schema, (validate = ajv.compile(closed(schema) as Members)));
  if (validate(value)) return undefined;
  return `${ajv.errorsText(validate.errors)}\nin ${JSON.stringify(value)}`;
}
