/** What a flag takes; true = anything, or nothing. */
type Values = readonly string[] | true;

/** Everywhere. */
const WIDE: Readonly<Record<string, Values>> = {
  "--project": true,
  "--format": true,
  "--flatten": true,
};

/**
 * The flags of the commands that the guide has, with the values of those that take one of a few: as the help of gcloud 528
 * has them. It is a list of our own, because the tests' machine has no gcloud.
 */
export const GCLOUD: Readonly<Record<string, Readonly<Record<string, Values>>>> = {
  "services enable": WIDE,
  "auth configure-docker": WIDE,
  "components install": WIDE,
  "container clusters get-credentials": { ...WIDE, "--location": true },
  "container clusters create": {
    ...WIDE,
    "--location": true,
    "--release-channel": ["rapid", "regular", "stable", "extended"],
    "--machine-type": true,
    "--num-nodes": true,
    "--enable-autoscaling": true,
    "--min-nodes": true,
    "--max-nodes": true,
    "--enable-ip-alias": true,
    "--enable-dataplane-v2": true,
    "--enable-managed-prometheus": true,
    "--gateway-api": ["disabled", "standard"],
  },
  "network-connectivity service-connection-policies create": {
    ...WIDE,
    "--region": true,
    "--network": true,
    "--service-class": ["gcp-memorystore"],
    "--subnets": true,
  },
  "memorystore instances create": {
    ...WIDE,
    "--location": true,
    "--node-type": ["shared-core-nano", "standard-small", "highmem-medium", "highmem-xlarge"],
    "--shard-count": true,
    "--replica-count": true,
    "--endpoints": true,
    "--transit-encryption-mode": ["server-authentication"],
    "--engine-configs": ["maxmemory-policy=noeviction"],
    // Not `everysec`, as Redis itself says.
    "--aof-config-append-fsync": ["always", "every-sec", "never"],
    "--persistence-config-mode": ["aof"],
  },
  "memorystore instances describe": { ...WIDE, "--location": true },
  "memorystore instances get-certificate-authority": { ...WIDE, "--location": true },
  "artifacts repositories create": {
    ...WIDE,
    "--location": true,
    "--repository-format": ["docker"],
  },
  "compute networks subnets describe": { ...WIDE, "--region": true },
};

/** Commands of gcloud that it does not know, flags that they do not take, and values that those do not. */
export function gcloudProblems(command: string): string[] {
  if (!command.startsWith("gcloud ")) return [];
  // Quoted words are one value, whatever is in them.
  const words = command.replaceAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g, (word) =>
    word.replaceAll(" ", "_"),
  );
  const name = Object.keys(GCLOUD).find((known) => words.startsWith(`gcloud ${known} `));
  if (name === undefined) return [`not known: ${command}`];
  const parts = words.slice(`gcloud ${name} `.length).split(/\s+/);
  return parts.flatMap((part, index) => {
    if (!part.startsWith("--")) return [];
    const [flag, value = parts[index + 1]] = part.split(/=(.*)/);
    const takes = GCLOUD[name]![flag!];
    if (takes === undefined) return [`gcloud ${name}: no flag ${flag}`];
    return takes === true || takes.includes(value!) ? [] : [`gcloud ${name}: ${flag} ${value}`];
  });
}
