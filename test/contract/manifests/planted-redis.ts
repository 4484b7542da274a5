import { container, data, pod, variable, type Planted } from "./breaking.ts";

/** In where the log is, how it is spoken to, and what is mounted for it. */
export const PLANTED_REDIS: readonly Planted[] = [
  [
    "a component with a Redis that is forgotten",
    "speaks to a Redis that is there",
    "kong-gke",
    (o) => (data(o).REDIS_URL = "redis://redis:6379"),
    /redis is no Service here/,
  ],
  [
    "a Redis in another namespace",
    "speaks to a Redis that is there",
    "local",
    (o) => (data(o).REDIS_URL = "redis://redis.default.svc:6379"),
    /redis\.default\.svc is not encrypted/,
  ],
  [
    "a port that Redis' Service does not have",
    "speaks to a Redis that is there",
    "local",
    (o) => (data(o).REDIS_URL = "redis://redis:6380"),
    /Service\/redis has no port 6380/,
  ],
  [
    "Memorystore without TLS",
    "speaks to a Redis that is there",
    "kong-gke",
    (o) => (data(o).REDIS_URL = "redis+cluster://10.20.0.2:6379"),
    /said to 10\.20\.0\.2 is not encrypted/,
  ],
  [
    "Memorystore without its authority",
    "speaks to a Redis that is there",
    "kong-gke",
    (o) => delete data(o).REDIS_CA_FILE,
    /REDIS_CA_FILE is missing/,
  ],
  [
    "a mount of no volume",
    "mounts what it reads",
    "kong-gke",
    (o) => delete pod(o).volumes,
    /Deployment\/novastream mounts redis-ca, which is no volume/,
  ],
  [
    "a volume that is not mounted",
    "mounts what it reads",
    "kong-gke",
    (o) => delete container(o).volumeMounts,
    /has a volume redis-ca that none mounts[^]*nothing is mounted where \/etc\/redis-ca\/ca\.pem/,
  ],
  [
    "an authority elsewhere",
    "mounts what it reads",
    "kong-gke",
    (o) => (data(o).REDIS_CA_FILE = "/etc/ssl/ca.pem"),
    /REDIS_CA_FILE: nothing is mounted where \/etc\/ssl\/ca\.pem/,
  ],
  [
    "an authority under another name",
    "mounts what it reads",
    "gke-ingress",
    (o) => (data(o).REDIS_CA_FILE = "/etc/redis-ca/ca.crt"),
    /REDIS_CA_FILE: \/etc\/redis-ca holds ca\.pem, not ca\.crt/,
  ],
  [
    "another key of an optional Secret",
    "mounts what it reads",
    "kong-gke",
    (o) => (variable(o, "REDIS_PASSWORD").valueFrom.secretKeyRef.key = "passwort"),
    /REDIS_PASSWORD: Secret\/novastream-redis has password, not passwort/,
  ],
  [
    "a volume of nothing",
    "mounts what it reads",
    "kong-gke",
    (o) => delete pod(o).volumes[0].configMap,
    /has a volume redis-ca of nothing/,
  ],
  [
    "a variable of nothing",
    "mounts what it reads",
    "kong-gke-jwt",
    (o) => delete variable(o, "AI_API_KEY").valueFrom,
    /AI_API_KEY: has no value/,
  ],
];
