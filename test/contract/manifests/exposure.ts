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

function gatewayProblems({ spec }: Manifest): string[] {
  return (spec.listeners as Manifest[])
    .filter(({ allowedRoutes }) => (allowedRoutes?.namespaces?.from ?? "Same") !== "Same")
    .map(({ name }) => `#${name} takes routes of other namespaces`);
}

const PROBLEMS = {
  Service: serviceProblems,
  Ingress: ingressProblems,
  Gateway: gatewayProblems,
} as const;

/** Nothing leads in but the routes. */
export function exposureProblems(overlay: Overlay): string[] {
  return Object.entries(PROBLEMS).flatMap(([kind, problems]) =>
    allOf(overlay, kind).flatMap((manifest) =>
      problems(manifest).map((problem) => `${named(manifest)} ${problem}`),
    ),
  );
}
