import { allOf, type Manifest, named, type Overlay, workloads } from "./rendered.ts";

/** What an overlay names and somebody else makes; `k8s/README.md` tells how each is made. */
export const MADE_ELSEWHERE = [
  "Secret/novastream-tls",
  "Secret/novastream-ai",
  "Secret/novastream-issuer-jwt",
  "ConfigMap/novastream-redis-ca",
  "GatewayClass/kong",
  "GatewayClass/gke-l7-global-external-managed",
  "IngressClass/kong",
  "IngressClass/nginx",
  "IngressClass/apisix",
  "Address/novastream",
  "CertificateMap/novastream",
] as const;

/** What is in those of them that pods read, by README. */
export const MADE_ELSEWHERE_KEYS: Readonly<Record<string, readonly string[]>> = {
  "Secret/novastream-ai": ["api-key"],
  "Secret/novastream-redis": ["password"],
  "ConfigMap/novastream-redis-ca": ["ca.pem"],
};

const list = (text: string | undefined): string[] => (text ? text.split(",") : []);

function* podReferences(workload: Manifest): Generator<string> {
  const pod = workload.spec.template.spec;
  if (pod.serviceAccountName) yield `ServiceAccount/${pod.serviceAccountName}`;
  if (workload.spec.serviceName) yield `Service/${workload.spec.serviceName}`;
  for (const { configMap, secret } of pod.volumes ?? []) {
    if (configMap && !configMap.optional) yield `ConfigMap/${configMap.name}`;
    if (secret && !secret.optional) yield `Secret/${secret.secretName}`;
  }
  for (const { env = [], envFrom = [] } of pod.containers) {
    for (const { configMapRef, secretRef } of envFrom) {
      if (configMapRef) yield `ConfigMap/${configMapRef.name}`;
      if (secretRef && !secretRef.optional) yield `Secret/${secretRef.name}`;
    }
    for (const { valueFrom } of env) {
      const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
      if (secretKeyRef && !secretKeyRef.optional) yield `Secret/${secretKeyRef.name}`;
      if (configMapKeyRef && !configMapKeyRef.optional) yield `ConfigMap/${configMapKeyRef.name}`;
    }
  }
}

const service = (name: string, port: string | number): string => `Service/${name}:${port}`;

function* routeReferences({ kind, spec }: Manifest): Generator<string> {
  if (kind === "Ingress") {
    if (spec.ingressClassName) yield `IngressClass/${spec.ingressClassName}`;
    for (const { secretName } of spec.tls ?? []) yield `Secret/${secretName}`;
    for (const { http } of spec.rules)
      for (const { backend } of http.paths)
        yield service(
          backend.service.name,
          backend.service.port.name ?? backend.service.port.number,
        );
  }
  if (["ApisixTls", "ApisixUpstream"].includes(kind as string))
    yield `IngressClass/${spec.ingressClassName}`;
  if (kind === "Gateway") {
    for (const { value } of spec.addresses ?? []) yield `Address/${value}`;
    yield `GatewayClass/${spec.gatewayClassName}`;
    for (const { tls } of spec.listeners)
      for (const { name } of tls?.certificateRefs ?? []) yield `Secret/${name}`;
  }
  if (kind === "HTTPRoute") {
    for (const { name, sectionName } of spec.parentRefs) yield `Gateway/${name}#${sectionName}`;
    for (const { backendRefs = [] } of spec.rules)
      for (const { name, port } of backendRefs) yield service(name, port);
  }
  if (kind === "IngressRoute") {
    yield `Secret/${spec.tls.secretName}`;
    for (const { services, middlewares = [] } of spec.routes) {
      for (const { name } of middlewares) yield `Middleware/${name}`;
      for (const { name, port, serversTransport } of services) {
        yield service(name, port);
        if (serversTransport) yield `ServersTransport/${serversTransport}`;
      }
    }
  }
  if (kind === "ApisixRoute") {
    yield `IngressClass/${spec.ingressClassName}`;
    for (const { backends } of spec.http)
      for (const { serviceName, servicePort } of backends) yield service(serviceName, servicePort);
  }
}

function* policyReferences(manifest: Manifest): Generator<string> {
  const { kind, spec, metadata, credentials } = manifest;
  const { targetRef, scaleTargetRef } = spec ?? {};
  if (targetRef) yield `${targetRef.kind}/${targetRef.name}`;
  if (scaleTargetRef) yield `${scaleTargetRef.kind ?? "Deployment"}/${scaleTargetRef.name}`;
  if (kind === "ApisixTls") yield `Secret/${spec.secret.name}`;
  // An ApisixUpstream belongs to the Service of its name.
  if (kind === "ApisixUpstream") yield `Service/${metadata.name}`;
  for (const credential of credentials ?? []) yield `Secret/${credential}`;
}

function* annotationReferences({ metadata }: Manifest): Generator<string> {
  const { annotations = {} } = metadata;
  for (const name of list(annotations["konghq.com/plugins"])) yield `KongPlugin/${name}`;
  for (const name of list(annotations["konghq.com/upstream-policy"]))
    yield `KongUpstreamPolicy/${name}`;
  for (const name of list(annotations["networking.gke.io/managed-certificates"]))
    yield `ManagedCertificate/${name}`;
  for (const name of list(annotations["networking.gke.io/certmap"])) yield `CertificateMap/${name}`;
  for (const name of list(annotations["kubernetes.io/ingress.global-static-ip-name"]))
    yield `Address/${name}`;
  for (const name of list(annotations["networking.gke.io/v1beta1.FrontendConfig"]))
    yield `FrontendConfig/${name}`;
  const backends = annotations["cloud.google.com/backend-config"];
  for (const name of Object.values(JSON.parse(backends ?? "{}") as object))
    yield `BackendConfig/${name}`;
}

/** Every object that is named is there, with the port and the listener that are named. */
export function referenceProblems(overlay: Overlay): string[] {
  const there = new Set<string>(MADE_ELSEWHERE);
  for (const manifest of overlay.manifests) {
    there.add(named(manifest));
    if (manifest.kind === "Service")
      for (const { name, port } of manifest.spec.ports)
        for (const end of [name, port]) there.add(service(manifest.metadata.name, end));
    if (manifest.kind === "Gateway")
      for (const { name } of manifest.spec.listeners) there.add(`${named(manifest)}#${name}`);
  }
  return overlay.manifests.flatMap((manifest) =>
    [
      ...(workloads(overlay).includes(manifest) ? podReferences(manifest) : []),
      ...routeReferences(manifest),
      ...policyReferences(manifest),
      ...annotationReferences(manifest),
    ]
      .filter((name) => !there.has(name))
      .map((name) => `${named(manifest)} names ${name}, which is not there`),
  );
}

/** Everything that is made is used: a policy that hangs on nothing does nothing. */
export function orphanProblems(overlay: Overlay): string[] {
  const used = new Set(
    overlay.manifests.flatMap((manifest) => [
      ...annotationReferences(manifest),
      ...routeReferences(manifest),
      ...policyReferences(manifest),
    ]),
  );
  const kinds = [
    "KongPlugin",
    "KongUpstreamPolicy",
    "Middleware",
    "ServersTransport",
    "BackendConfig",
    "FrontendConfig",
    "ManagedCertificate",
  ];
  return allOf(overlay, ...kinds)
    .filter((manifest) => !used.has(named(manifest)))
    .map((manifest) => `${named(manifest)} hangs on nothing`);
}
