import { container, data, find, type Planted } from "./breaking.ts";

/** In how pods are asked whether they are well. */
export const PLANTED_PROBES: readonly Planted[] = [
  [
    "a death after a second",
    "is not killed for being busy",
    "local",
    (o) => Object.assign(container(o).livenessProbe, { periodSeconds: 1, failureThreshold: 1 }),
    /Deployment\/novastream is killed, with all its streams, for 1 s/,
  ],
  [
    "answers within a second, or death",
    "is not killed for being busy",
    "local",
    (o) => delete container(o).livenessProbe.timeoutSeconds,
    /slower than 1 s/,
  ],
  [
    "five seconds to start",
    "is not killed for being busy",
    "local",
    (o) => (container(o).startupProbe.failureThreshold = 5),
    /has 5 s to start/,
  ],
  [
    "clients before it is ready",
    "is not killed for being busy",
    "local",
    (o) => delete find(o, "StatefulSet", "redis").spec.template.spec.containers[0].readinessProbe,
    /StatefulSet\/redis gets clients before/,
  ],
  [
    "clients for minutes after it is full",
    "is not killed for being busy",
    "local",
    (o) => (container(o).readinessProbe.failureThreshold = 60),
    /gets clients for 300 s after/,
  ],
  [
    "a death that nobody notices",
    "is not killed for being busy",
    "local",
    (o) => (container(o).livenessProbe.failureThreshold = 600),
    /may hang for 6000 s/,
  ],
  [
    "a start that never ends",
    "is not killed for being busy",
    "local",
    (o) => (container(o).startupProbe.periodSeconds = 60),
    /may hang for 3600 s at its start/,
  ],
  [
    "a question at a port that is not there",
    "is not killed for being busy",
    "local",
    (o) => (container(o).readinessProbe.httpGet.port = "https"),
    /is asked at port https, which it has not: readinessProbe/,
  ],
  [
    "an answer that is waited for longer than for the next",
    "is not killed for being busy",
    "local",
    (o) => (container(o).livenessProbe.timeoutSeconds = 60),
    /is waited for 60 s every 10: livenessProbe/,
  ],
  [
    "a port of the service's own",
    "runs the image, on its port, as its user",
    "local",
    (o) => (data(o).PORT = "3000"),
    /PORT 3000 is not the image's port 8080/,
  ],
];
