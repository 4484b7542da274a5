import { describe, expect, it } from "vitest";
import { parseAgentOptions, UsageError } from "../../src/agent/options.ts";

const parse = (args: readonly string[], env: Record<string, string> = {}) =>
  parseAgentOptions(args, env);

describe("the agent's options", () => {
  it("have defaults for all but the name and the program", () => {
    expect(parse(["--name", "web-1", "--", "node", "app.js"])).toEqual({
      name: "web-1",
      server: "http://127.0.0.1:8080",
      bufferBytes: 16 * 1024 ** 2,
      quiet: false,
      command: ["node", "app.js"],
    });
  });

  it("leave everything after the first -- to the program", () => {
    const options = parse(["--name=web-1", "--quiet", "--", "sh", "--quiet", "--", "--help"]);
    expect(options).toMatchObject({ quiet: true, command: ["sh", "--quiet", "--", "--help"] });
  });

  it("take the server from the flag, else from the environment, without its last slash", () => {
    const env = { NOVASTREAM_SERVER: "https://stream.example.com/prefix/" };
    expect(parse(["--name", "a", "--", "x"], env)!.server).toBe(
      "https://stream.example.com/prefix",
    );
    const flag = ["--name", "a", "--server", "http://other:81", "--", "x"];
    expect(parse(flag, env)!.server).toBe("http://other:81");
    const empty = { NOVASTREAM_SERVER: "" };
    expect(parse(["--name", "a", "--", "x"], empty)!.server).toBe("http://127.0.0.1:8080");
  });

  it("ask for help only before the --, whatever else is wrong", () => {
    expect(parse(["--help"])).toBeUndefined();
    expect(parse(["-h", "--name", "NOT A NAME"])).toBeUndefined();
  });

  it("say in one line what is wrong", () => {
    const program = ["--", "x"];
    const wrong: [string[], RegExp][] = [
      [[...program], /--name is missing/],
      [["--name", "Web 1", ...program], /--name must be .* not "Web 1"/],
      [["--name", "a"], /the program is missing/],
      [["--name", "a", "--"], /the program is missing/],
      [["--name", "a", "node", "app.js"], /put -- before the program, as in: -- node app.js/],
      [["--name", "a", "--server", "localhost:80", ...program], /--server must be a URL/],
      [["--name", "a", "--server", "http://u:p@host", ...program], /without user/],
      [["--name", "a", "--server", "http://host/?a=b", ...program], /without user, query/],
      [["--name", "a", "--buffer", "1KiB", ...program], /--buffer must be a size from 256KiB/],
      [["--name", "a", "--buffer", "much", ...program], /--buffer .* not "much"/],
      [["--name", "a", "--buffer", "2GiB", ...program], /--buffer/],
      [["--name", "a", "--loud", ...program], /Unknown option '--loud'$/],
      [["--name", "--quiet", ...program], /--name/],
    ];
    for (const [args, message] of wrong) {
      expect(() => parse(args)).toThrow(UsageError);
      expect(() => parse(args)).toThrow(message);
      expect(() => parse(args)).not.toThrow(/\n/);
    }
    const env = { NOVASTREAM_SERVER: "nowhere" };
    expect(() => parse(["--name", "a", ...program], env)).toThrow(
      /NOVASTREAM_SERVER must be a URL/,
    );
  });
});
