import { ENVIRONMENT, parseConfig } from "../../src/config.ts";
import { tryDuration, trySize } from "../../src/wire/units.ts";
import type { Compose } from "./compose.ts";

const MIB = 1_024 ** 2;

/** Those of a network namespace, which a container may have of its own. */
const SYSCTLS: Readonly<Record<string, (value: string) => boolean>> = {
  "net.ipv4.tcp_wmem": (value) => {
    const [least, first, most, ...others] = value.split(" ").map(Number);
    return (
      least! > 0 && least! < first! && first! < most! && most! <= 65_536 && others.length === 0
    );
  },
  "net.core.somaxconn": (value) => Number(value) >= 4_096,
};

function sysctlProblems({ services }: Compose): string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const sysctls = (service["sysctls"] ?? {}) as Record<string, string>;
    const wanted = name.startsWith("novastream") ? Object.keys(SYSCTLS) : [];
    return [
      ...Object.entries(sysctls)
        .filter(([key, value]) => !SYSCTLS[key]?.(value))
        .map(([key, value]) => `${name}: ${key}=${value}`),
      ...wanted.filter((key) => !(key in sysctls)).map((key) => `${name}: no ${key}`),
    ];
  });
}

const VALKEY: Readonly<Record<string, RegExp>> = {
  "--appendonly": /^yes$/,
  "--appendfsync": /^everysec$/,
  "--maxmemory": /^\d+[mg]b$/,
  // Any other forgets topics in silence when it is full.
  "--maxmemory-policy": /^noeviction$/,
};

function valkeyProblems({ services }: Compose): string[] {
  const [program, ...words] = services["redis"]!.command ?? [];
  const flags = Object.fromEntries(
    words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ""] as const] : [])),
  );
  return [
    ...(program === "valkey-server" ? [] : [`redis: ${program}`]),
    ...Object.entries(flags)
      .filter(([flag, value]) => !VALKEY[flag]?.test(value))
      .map(([flag, value]) => `redis: ${flag} ${value}`),
    ...Object.keys(VALKEY)
      .filter((flag) => !(flag in flags))
      .map((flag) => `redis: no ${flag}`),
  ];
}

/** What one stream and one answer take of the heap (measured: 13.4 KB, 451 KB), and Node beside its heap. */
const STREAM_BYTES = 14 * 1_024;
const ANSWER_BYTES = 0.45 * MIB;
const NODE_BYTES = 100 * MIB;
const HEALTH_CHECK_BYTES = 50 * MIB;

/** Compose's `640m`, as we write it: `640MiB`. */
const bytesOf = (text: string): number => trySize(text.replace(/m$/, "MiB")) ?? Number.NaN;

/** Limits of the service that do not fit into its container's memory or descriptors, if all were used at once. */
function memoryProblems({ services }: Compose): string[] {
  return Object.entries(services)
    .filter(([name]) => name.startsWith("novastream"))
    .flatMap(([name, service]) => {
      const environment = service.environment!;
      const own = Object.keys(environment).filter((key) => key in ENVIRONMENT.shape);
      const config = parseConfig(Object.fromEntries(own.map((key) => [key, environment[key]])));
      const heap =
        Number(/^--max-old-space-size=(\d+)$/.exec(environment["NODE_OPTIONS"] ?? "")?.[1]) * MIB;
      const { "net.ipv4.tcp_wmem": wmem = "" } = (service["sysctls"] ?? {}) as Record<
        string,
        string
      >;
      const sent = config.admission.maxConnections * Number(wmem.split(" ").at(-1));
      const inside =
        config.admission.maxConnections * STREAM_BYTES +
        (config.chat.maxGenerations || Infinity) * ANSWER_BYTES;
      const buffers = config.ringBytes;
      const all = heap + buffers + sent + NODE_BYTES + HEALTH_CHECK_BYTES;
      const { nofile } = service["ulimits"] as { nofile: number };
      const wrong: string[] = [];
      // Not `>`: what is no number is a problem too.
      if (!(inside + buffers <= 0.75 * heap))
        wrong.push(`${Math.round((inside + buffers) / MIB)} MiB in the heap`);
      if (!(all <= bytesOf(String(service["mem_limit"]))))
        wrong.push(`${Math.round(all / MIB)} MiB in all`);
      if (!(nofile >= config.admission.maxConnections + 1_024)) wrong.push(`nofile ${nofile}`);
      return wrong.map((what) => `${name}: ${what}`);
    });
}

/** Gateways take two descriptors for each stream, and one of them has the streams of both services. */
function descriptorProblems({ services }: Compose): string[] {
  const streams = 2 * Number(services["novastream-1"]!.environment!["MAX_CONNECTIONS"]);
  return Object.entries(services)
    .filter(([, { profiles = [] }]) => profiles.length > 0 && !profiles.includes("observability"))
    .filter(([, service]) => {
      const { nofile = 0 } = (service["ulimits"] ?? {}) as { nofile?: number };
      return !(nofile >= 2 * streams + 1_024 && nofile >= 65_536);
    })
    .map(([name]) => `${name}: nofile`);
}

/** What is stopped before it has told its clients. */
function farewellProblems({ services }: Compose): string[] {
  return Object.entries(services)
    .filter(([name, service]) => {
      if (!name.startsWith("novastream")) return false;
      const graceMs = tryDuration(service.stop_grace_period ?? "") ?? 0;
      const drainMs = tryDuration(service.environment!["DRAIN_WINDOW"]!) ?? Number.NaN;
      return !(graceMs > drainMs + 2_000);
    })
    .map(([name]) => `${name}: stop_grace_period`);
}

export const limitProblems = (compose: Compose): string[] =>
  [sysctlProblems, valkeyProblems, memoryProblems, descriptorProblems, farewellProblems].flatMap(
    (problems) => problems(compose),
  );
