import { type Manifest, named, type Overlay } from "./rendered.ts";

interface Reader {
  readonly kinds: readonly string[];
  /** Of an Ingress, or of a Gateway's route: whose controller reads it. */
  readonly controller?: "kong" | "nginx" | "gce";
  readonly value: RegExp;
}

const kong = (kinds: readonly string[], value: RegExp): Reader => ({
  kinds,
  controller: "kong",
  value,
});
const ROUTES = ["Ingress", "HTTPRoute"];
const MS = /^[1-9]\d{0,9}$/;
const YES_NO = /^(true|false)$/;
const nginx = (value: RegExp): Reader => ({ kinds: ["Ingress"], controller: "nginx", value });
const gce = (value: RegExp): Reader => ({ kinds: ["Ingress"], controller: "gce", value });

/** Every annotation that these manifests may have, and on which kind its controller reads it: elsewhere it does nothing. */
const READERS: Readonly<Record<string, Reader>> = {
  "konghq.com/connect-timeout": kong(["Service"], MS),
  "konghq.com/write-timeout": kong(["Service"], MS),
  "konghq.com/read-timeout": kong(["Service"], MS),
  "konghq.com/retries": kong(["Service"], /^\d+$/),
  "konghq.com/upstream-policy": kong(["Service"], /^[a-z0-9-]+$/),
  "konghq.com/response-buffering": kong(ROUTES, YES_NO),
  "konghq.com/request-buffering": kong(ROUTES, YES_NO),
  "konghq.com/strip-path": kong(ROUTES, YES_NO),
  "konghq.com/protocols": kong(ROUTES, /^(http,)?https$/),
  "konghq.com/https-redirect-status-code": kong(ROUTES, /^(301|302|307|308|426)$/),
  "konghq.com/plugins": kong([...ROUTES, "Service", "KongConsumer"], /^[a-z0-9-]+(,[a-z0-9-]+)*$/),
  "kubernetes.io/ingress.class": { kinds: ["Ingress", "KongConsumer"], value: /^(gce|kong)$/ },
  "kubernetes.io/ingress.global-static-ip-name": gce(/^[a-z0-9-]+$/),
  "networking.gke.io/managed-certificates": gce(/^[a-z0-9-]+$/),
  "networking.gke.io/v1beta1.FrontendConfig": gce(/^[a-z0-9-]+$/),
  "networking.gke.io/certmap": { kinds: ["Gateway"], value: /^[a-z0-9-]+$/ },
  "cloud.google.com/backend-config": { kinds: ["Service"], value: /^\{"default": "[a-z0-9-]+"\}$/ },
  "cloud.google.com/neg": { kinds: ["Service"], value: /^\{"ingress": true\}$/ },
  "nginx.ingress.kubernetes.io/proxy-buffering": nginx(/^(on|off)$/),
  "nginx.ingress.kubernetes.io/proxy-request-buffering": nginx(/^(on|off)$/),
  "nginx.ingress.kubernetes.io/proxy-read-timeout": nginx(/^[1-9]\d*$/),
  "nginx.ingress.kubernetes.io/proxy-send-timeout": nginx(/^[1-9]\d*$/),
  "nginx.ingress.kubernetes.io/proxy-body-size": nginx(/^\d+[km]?$/),
  "nginx.ingress.kubernetes.io/proxy-next-upstream": nginx(
    /^(off|error|timeout)( (error|timeout))*$/,
  ),
  "nginx.ingress.kubernetes.io/proxy-next-upstream-tries": nginx(/^[1-9]$/),
};

const controllerOf = ({ spec, metadata }: Manifest): string | undefined =>
  spec?.ingressClassName ?? metadata.annotations?.["kubernetes.io/ingress.class"];

/** Every annotation is a known one, on a kind whose controller reads it, with a value that it takes. */
export function annotationProblems({ manifests }: Overlay): string[] {
  return manifests.flatMap((manifest) =>
    Object.entries((manifest.metadata.annotations ?? {}) as Record<string, string>).flatMap(
      ([name, value]) => {
        const reader = READERS[name];
        if (!reader) return [`${named(manifest)}: nobody reads ${name}`];
        if (!reader.kinds.includes(manifest.kind as string))
          return [`${named(manifest)}: ${name} is not read on a ${manifest.kind}`];
        const { controller } = reader;
        if (manifest.kind === "Ingress" && controller && controllerOf(manifest) !== controller)
          return [`${named(manifest)}: ${name} is not read by ${controllerOf(manifest)}`];
        return reader.value.test(value) ? [] : [`${named(manifest)}: ${name} cannot be ${value}`];
      },
    ),
  );
}

/** GKE takes an Ingress by its annotation, everybody else by the field; without either nobody, or everybody, takes it. */
export function classProblems({ manifests }: Overlay): string[] {
  return manifests
    .filter(({ kind }) => kind === "Ingress")
    .filter(({ spec, metadata }) => {
      const byField = spec.ingressClassName !== undefined;
      const byAnnotation = metadata.annotations?.["kubernetes.io/ingress.class"] === "gce";
      return byField === byAnnotation;
    })
    .map((ingress) => `${named(ingress)} belongs to no controller, or to two`);
}
