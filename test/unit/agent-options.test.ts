import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/agent/option-values.ts";
import { parseAgentOptions } from "../../src/agent/options.ts";

const parse = (args: readonly string[], env: Record<string, string> = {}) =>
  parseAgentOptions(args, env);

describe("the agent's options", () => {
  it("have defaults for all but the name and the program", () => {
    expect(parse(["--name", "web-1", "--", "node", "app.js"])).toEqual({
      name: "web-1",
      server: "http://127.0.0.1:8080",
      bufferBytes: 16 * 1024 ** 2,
      spool: {
        directory: expect.stringMatching(
          /\/novastream-\d+\/novastream\/agent\/web-1@127\.0\.0\.1_8080-[0-9a-f]{8}$/,
        ) as string,
        slots: true,
        maxBytes: 64 * 1024 ** 2,
      },
      restart: { mode: "no", maxRestarts: undefined, delayMs: 1_000 },
      statusIntervalMs: 15_000,
      continues: undefined,
      parse: true,
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

  it("put the spool where state belongs, one place for each server", () => {
    const directoryOf = (env: Record<string, string>, server = "http://a") =>
      parse(["--name", "web-1", "--server", server, "--", "x"], env)!.spool!.directory;
    const home = { HOME: "/home/ada" };
    expect(directoryOf(home)).toMatch(/^\/home\/ada\/\.local\/state\/novastream\/agent\/web-1@a-/);
    expect(directoryOf({ ...home, XDG_STATE_HOME: "/state" })).toMatch(
      /^\/state\/novastream\/agent\/web-1@a-/,
    );
    // What is no absolute path counts as not set (XDG Base Directory Specification).
    expect(directoryOf({ ...home, XDG_STATE_HOME: "state" })).toBe(directoryOf(home));
    expect(directoryOf(home, "http://a/b")).not.toBe(directoryOf(home));
    const own = parse(["--name", "a", "--spool", "here", "--spool-size", "2MiB", "--", "x"]);
    expect(own!.spool).toEqual({ directory: "here", slots: false, maxBytes: 2 * 1024 ** 2 });
    expect(parse(["--name", "a", "--no-spool", "--", "x"])!.spool).toBeUndefined();
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
      [["--name", "a", "--spool-size", "1KiB", ...program], /--spool-size must be .* 1MiB to 4GiB/],
      [["--name", "a", "--spool", "x", "--no-spool", ...program], /exclude each other/],
      [["--name", "a", "--spool=", ...program], /--spool must be a directory/],
      [["--name", "a", "--restart", "yes", ...program], /--restart must be no or on-failure or/],
      [["--name", "a", "--max-restarts", "-1", ...program], /--max-restarts/],
      [["--name", "a", "--max-restarts", "many", ...program], /--max-restarts must be a number/],
      [["--name", "a", "--restart-delay", "0", ...program], /--restart-delay must be a duration/],
      [["--name", "a", "--status-interval", "5", ...program], /from 1s to 1h, or 0, not "5"/],
      [["--name", "a", "--multiline", "(", ...program], /--multiline must be off, indent, or/],
      [["--name", "a", "--parse", "json", ...program], /--parse must be auto or none/],
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
