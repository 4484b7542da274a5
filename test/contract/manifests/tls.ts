import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

const redirects = (plugins: Manifest[] = []): boolean =>
  plugins.some(({ name, enable, config }) => name === "redirect" && enable && config.http_to_https);

/** Nothing but a way to the encrypted port is answered in the clear. */
export function tlsProblems(overlay: Overlay): string[] {
  const problems: string[] = [];
  const frontends = new Map(
    allOf(overlay, "FrontendConfig").map((config) => [config.metadata.name as string, config.spec]),
  );
  for (const ingress of allOf(overlay, "Ingress")) {
    const { annotations = {} } = ingress.metadata;
    const google = annotations["kubernetes.io/ingress.class"] === "gce";
    if (google) {
      if (!annotations["networking.gke.io/managed-certificates"])
        problems.push(`${named(ingress)}: has no certificate`);
      const frontend = frontends.get(annotations["networking.gke.io/v1beta1.FrontendConfig"]);
      if (!frontend?.redirectToHttps?.enabled)
        problems.push(`${named(ingress)}: answers in the clear`);
      continue;
    }
    const covered = new Set(
      ((ingress.spec.tls ?? []) as Manifest[])
        .filter(({ secretName }) => secretName)
        .flatMap(({ hosts }) => hosts as string[]),
    );
    for (const { host } of ingress.spec.rules)
      if (!covered.has(host)) problems.push(`${named(ingress)}: no certificate for ${host}`);
    if (ingress.spec.ingressClassName === "kong" && !onlyHttps(annotations))
      problems.push(`${named(ingress)}: answers in the clear`);
  }
  for (const gateway of allOf(overlay, "Gateway")) {
    const { listeners, gatewayClassName } = gateway.spec;
    const open = new Set<string>();
    for (const { name, protocol, tls } of listeners as Manifest[]) {
      if (protocol === "HTTP") open.add(name as string);
      else if (!tls?.certificateRefs?.length && !gateway.metadata.annotations?.[CERTIFICATE_MAP])
        problems.push(`${named(gateway)}: ${name} has no certificate`);
    }
    for (const route of allOf(overlay, "HTTPRoute")) {
      if (gatewayClassName === "kong" && !onlyHttps(route.metadata.annotations ?? {}))
        problems.push(`${named(route)}: answers in the clear`);
      const parents = route.spec.parentRefs as { sectionName?: string }[];
      if (!parents.some(({ sectionName }) => sectionName === undefined || open.has(sectionName)))
        continue;
      for (const { filters = [], backendRefs = [] } of route.spec.rules)
        if (backendRefs.length > 0 || filters[0]?.requestRedirect?.scheme !== "https")
          problems.push(`${named(route)}: answers in the clear`);
    }
  }
  for (const route of allOf(overlay, "IngressRoute")) {
    if (!route.spec.tls?.secretName) problems.push(`${named(route)}: has no certificate`);
    if (!route.spec.entryPoints?.length || route.spec.entryPoints.includes("web"))
      problems.push(`${named(route)}: answers in the clear`);
  }
  const certified = new Set(allOf(overlay, "ApisixTls").flatMap(({ spec }) => spec.hosts));
  for (const route of allOf(overlay, "ApisixRoute"))
    for (const { name, match, plugins } of route.spec.http) {
      if (!redirects(plugins)) problems.push(`${named(route)} ${name}: answers in the clear`);
      for (const host of match.hosts ?? ["*"])
        if (!certified.has(host))
          problems.push(`${named(route)} ${name}: no certificate for ${host}`);
    }
  return problems;
}

const CERTIFICATE_MAP = "networking.gke.io/certmap";

const onlyHttps = (annotations: Readonly<Record<string, string>>): boolean =>
  annotations["konghq.com/protocols"] === "https" &&
  annotations["konghq.com/https-redirect-status-code"] === "308";
