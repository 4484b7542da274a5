/** Wukongs, channels and apps: a DNS-like label that is safe in paths, Redis keys and shell lines. */
export const NAME_PATTERN = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;

/** A principal as a credential may name it (`sub`), without separators of paths, lists or Redis hash tags. */
export const USER_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._@+|-]{0,127}$/;

/** Who asks without saying who it is. */
export const ANONYMOUS = "anonymous";

/** Generations and commands: ids that the service has made. */
export const ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** What the service calls a generation. */
export const GENERATION_PATTERN = /^gen-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const EVENT_TYPE_PATTERN = /^[a-z][a-z0-9.-]{0,62}$/;

/** What the streams themselves say; refused on publish, so that no publisher can speak for the service. */
export const CONTROL_TYPES = [
  "connected",
  "live",
  "gap",
  "dropped",
  "heartbeat",
  "closed",
] as const;

export type ControlType = (typeof CONTROL_TYPES)[number];
