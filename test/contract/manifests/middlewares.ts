import { allOf, named, type Overlay } from "./rendered.ts";

/** Fewer, and a page that is used by hand, with others behind one address, meets the limit. */
const LEAST_IN_FLIGHT = 50;

/** Traefik's middlewares do something, and to one client at a time. */
export function middlewareProblems(overlay: Overlay): string[] {
  return allOf(overlay, "Middleware").flatMap((middleware) => {
    const { inFlightReq, retry, ...others } = middleware.spec ?? {};
    const problems = [];
    if (!inFlightReq && !retry && Object.keys(others as object).length === 0)
      problems.push("does nothing");
    if (inFlightReq && !(inFlightReq.amount >= LEAST_IN_FLIGHT))
      problems.push(`lets ${inFlightReq.amount} requests in at a time`);
    // By default by the host that is asked for, which is the same for all.
    if (inFlightReq && !inFlightReq.sourceCriterion?.ipStrategy)
      problems.push("counts all clients as one: no ipStrategy");
    if (retry && retry.attempts !== 2)
      problems.push(`tries ${retry.attempts} times, where once more is meant`);
    return problems.map((problem) => `${named(middleware)} ${problem}`);
  });
}
