import type { Manifest } from "./rendered.ts";

/** One way of a gateway's to a Service. */
export interface Route {
  readonly path: string;
  /** Whether it takes the path itself, what is under it, what begins so, or what is as it says. */
  readonly form: "exact" | "prefix" | "text" | "pattern";
  /** Undefined = all. */
  readonly method?: string | undefined;
  readonly service: string;
}

const INGRESS_FORMS: Readonly<Record<string, Route["form"]>> = { Exact: "exact" };
const ROUTE_FORMS: Readonly<Record<string, Route["form"]>> = {
  Exact: "exact",
  RegularExpression: "pattern",
};
const TRAEFIK_FORMS: Readonly<Record<string, Route["form"]>> = {
  Path: "exact",
  PathPrefix: "text",
  PathRegexp: "pattern",
};

function* traefikRoutes({ match, services }: Manifest): Generator<Route> {
  const service = services[0].name as string;
  const method = /\bMethod\(`(\w+)`\)/.exec(match)?.[1];
  const paths = [...String(match).matchAll(/\b(Path\w*)\(`([^`]+)`\)/g)];
  for (const [, form, path] of paths)
    yield { path: path!, form: TRAEFIK_FORMS[form!]!, method, service };
  if (paths.length === 0) yield { path: "/", form: "text", method, service };
}

function* apisixRoutes({ match, backends }: Manifest): Generator<Route> {
  const service = backends[0].serviceName as string;
  for (const path of match.paths as string[])
    for (const method of match.methods ?? [undefined])
      yield path.endsWith("*")
        ? { path: path.slice(0, -1), form: "text", method, service }
        : { path, form: "exact", method, service };
}

/** The ways of an object, if it is a route. */
export function* routesOf({ kind, spec }: Manifest): Generator<Route> {
  if (kind === "Ingress")
    for (const { http } of spec.rules)
      for (const { path, pathType, backend } of http.paths)
        yield { path, form: INGRESS_FORMS[pathType] ?? "prefix", service: backend.service.name };
  if (kind === "HTTPRoute")
    for (const { matches = [{}], backendRefs = [] } of spec.rules)
      for (const { path = {}, method } of backendRefs.length > 0 ? matches : [])
        yield {
          path: path.value ?? "/",
          form: ROUTE_FORMS[path.type] ?? "prefix",
          method,
          service: backendRefs[0].name,
        };
  if (kind === "IngressRoute") for (const route of spec.routes) yield* traefikRoutes(route);
  if (kind === "ApisixRoute") for (const route of spec.http) yield* apisixRoutes(route);
}

/** Whether a way takes a request. */
export function takes(route: Route, method: string, path: string): boolean {
  if (route.method !== undefined && route.method !== method) return false;
  if (route.form === "exact") return path === route.path;
  if (route.form === "text") return path.startsWith(route.path);
  if (route.form === "pattern") return new RegExp(route.path).test(path);
  return path === route.path || path.startsWith(`${route.path.replace(/\/$/, "")}/`);
}
