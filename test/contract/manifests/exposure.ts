import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

function serviceProblems({ spec }: Manifest): string[] {
  const problems = [];
  if ((spec.type ?? "ClusterIP") !== "ClusterIP")
    problems.push(`is a ${spec.type}: whoever finds its address is past the gateway`);
  if (spec.externalIPs?.length) problems.push("takes addresses of its own, past the gateway");
  if ((spec.sessionAffinity ?? "None") !== "None")
    problems.push(`has sessionAffinity ${spec.sessionAffinity}: one pod for all behind a gateway`);
  return problems;
}

function ingressProblems({ spec }: Manifest): string[] {
  const problems = [];
  if (spec.defaultBackend)
    problems.push("has a defaultBackend: every path is reached, /metrics too");
  for (const { http } of spec.rules)
    for (const { path, pathType } of http.paths)
      if (!["Prefix", "Exact"].includes(pathType))
        problems.push(`${path} is ${pathType}, which is what each controller makes of it`);
  return problems;
}

const PORTS: Readonly<Record<string, number>> = { HTTP: 80, HTTPS: 443 };

function gatewayProblems({ spec }: Manifest, overlay: Overlay): string[] {
  const parents = allOf(overlay, "HTTPRoute").flatMap(
    (route) => (route.spec.parentRefs ?? []) as Manifest[],
  );
  return (spec.listeners as Manifest[]).flatMap(({ name, protocol, port, allowedRoutes }) => {
    const problems = [];
    if ((allowedRoutes?.namespaces?.from ?? "Same") !== "Same")
      problems.push(`#${name} takes routes of other namespaces`);
    if (port !== PORTS[protocol]) problems.push(`#${name} is ${protocol} at port ${port}`);
    if (!parents.some(({ sectionName = name }) => sectionName === name))
      problems.push(`#${name} leads nowhere: no route hangs on it`);
    return problems;
  });
}

const routeProblems = ({ spec }: Manifest): string[] =>
  spec.parentRefs?.length > 0 ? [] : ["hangs on no Gateway"];

const PROBLEMS = {
  Service: serviceProblems,
  Ingress: ingressProblems,
  Gateway: gatewayProblems,
  HTTPRoute: routeProblems,
} as const;

/** Nothing leads in but the routes. */
export function exposureProblems(overlay: Overlay): string[] {
  return Object.entries(PROBLEMS).flatMap(([kind, problems]) =>
    allOf(overlay, kind).flatMap((manifest) =>
      problems(manifest, overlay).map((problem) => `${named(manifest)} ${problem}`),
    ),
  );
}
