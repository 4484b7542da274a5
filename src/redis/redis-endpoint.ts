export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

/** Where Redis is, and in which form: one server, a master that Sentinels name, or a Cluster. */
export type RedisEndpoint = RedisCredentials &
  (
    | { readonly kind: "standalone"; readonly address: RedisAddress; readonly db: number }
    | {
        readonly kind: "sentinel";
        readonly sentinels: readonly RedisAddress[];
        /** The name under which the Sentinels know the master. */
        readonly master: string;
        readonly db: number;
      }
    /** Any of its nodes: they tell of the others. */
    | { readonly kind: "cluster"; readonly nodes: readonly RedisAddress[] }
  );

export const REDIS_URL_FORMS =
  "redis://[user:password@]host[:port][/db], redis+sentinel://host[:port],…/master[/db], redis+cluster://host[:port],… " +
  "(rediss… for TLS), or several redis:// URLs of one cluster, separated by commas";

const URL_PARTS =
  /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#@]+)(?:\/([^?#]*))?$/;
const DEFAULT_PORT = 6_379;
const DEFAULT_SENTINEL_PORT = 26_379;

/** Undefined where the text is none of REDIS_URL_FORMS. */
export function tryRedisEndpoint(text: string): RedisEndpoint | undefined {
  const [first, ...others] = text.split(/,(?=rediss?(?:\+\w+)?:\/\/)/).map(parseOne);
  if (!first || others.length === 0) return first;
  // Several URLs are those of one cluster: what is not the address must be the same in all of them.
  const addresses: RedisAddress[] = [];
  for (const endpoint of [first, ...others]) {
    if (endpoint?.kind !== "standalone" || endpoint.db !== 0) return undefined;
    if (endpoint.tls !== first.tls || endpoint.password !== first.password) return undefined;
    if (endpoint.username !== first.username) return undefined;
    addresses.push(endpoint.address);
  }
  const { username, password, tls } = first;
  return { kind: "cluster", nodes: addresses, username, password, tls };
}

function parseOne(text: string): RedisEndpoint | undefined {
  const parts = URL_PARTS.exec(text);
  if (!parts) return undefined;
  const [, scheme, form, userinfo = "", hosts = "", path = ""] = parts;
  const defaultPort = form === "sentinel" ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT;
  const addresses = hosts.split(",").map((host) => parseAddress(host, defaultPort));
  const credentials = parseUserinfo(userinfo);
  if (!credentials || !addresses.every((address) => address !== undefined)) return undefined;
  const common = { ...credentials, tls: scheme === "rediss" };
  if (form === "cluster")
    return path === "" || path === "0"
      ? { kind: "cluster", nodes: addresses, ...common }
      : undefined;
  const [name, database, ...rest] =
    form === "sentinel" ? path.split("/") : ["", ...path.split("/")];
  const db = /^\d{0,5}$/.test(database ?? "") ? Number(database ?? "") : undefined;
  if (db === undefined || rest.length > 0) return undefined;
  if (form === "sentinel") {
    const master = tryDecode(name!);
    return master ? { kind: "sentinel", sentinels: addresses, master, db, ...common } : undefined;
  }
  return addresses.length === 1
    ? { kind: "standalone", address: addresses[0]!, db, ...common }
    : undefined;
}

/** `host`, `host:port`, `[::1]` or `[::1]:port`. */
function parseAddress(text: string, defaultPort: number): RedisAddress | undefined {
  const parts = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text);
  if (!parts) return undefined;
  const port = parts[3] === undefined ? defaultPort : Number(parts[3]);
  return port > 0 && port < 65_536 ? { host: parts[1] ?? parts[2]!, port } : undefined;
}

function parseUserinfo(text: string): Omit<RedisCredentials, "tls"> | undefined {
  const colon = text.indexOf(":");
  const username = tryDecode(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? "" : tryDecode(text.slice(colon + 1));
  if (username === undefined || password === undefined) return undefined;
  return { username: username || undefined, password: password || undefined };
}

function tryDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function formatAddress({ host, port }: RedisAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
