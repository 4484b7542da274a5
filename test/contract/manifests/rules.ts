import { annotationProblems, classProblems } from "./annotations.ts";
import { billingProblems } from "./billing.ts";
import { autoscalerProblems } from "./autoscalers.ts";
import { balancingProblems } from "./balancing.ts";
import { edgeProblems } from "./edge.ts";
import { environmentProblems } from "./environment.ts";
import { exposureProblems } from "./exposure.ts";
import { folkloreProblems } from "./folklore.ts";
import { backendProblems, loadBalancerProblems } from "./google-backends.ts";
import { hostProblems } from "./hosts.ts";
import { kongProblems } from "./kong.ts";
import { drainProblems, idleProblems } from "./lifecycle.ts";
import { memoryProblems } from "./memory.ts";
import { middlewareProblems } from "./middlewares.ts";
import { mountProblems } from "./mounts.ts";
import { namespaceProblems } from "./namespaces.ts";
import { networkProblems } from "./network-bounds.ts";
import { securityProblems } from "./pod-security.ts";
import { imageProblems } from "./pods.ts";
import { probeProblems } from "./probes.ts";
import { reachabilityProblems } from "./reachability.ts";
import { redisProblems } from "./redis.ts";
import { orphanProblems, referenceProblems } from "./references.ts";
import type { Overlay } from "./rendered.ts";
import { rolloutProblems } from "./rollout.ts";
import { routingProblems, streamProblems } from "./routing.ts";
import { scalingProblems } from "./scaling.ts";
import { scrapeProblems } from "./scraping.ts";
import { selectorProblems } from "./selectors.ts";
import { timeoutProblems } from "./timeouts.ts";
import { tlsProblems } from "./tls.ts";
import { valkeyProblems } from "./valkey.ts";

/** What must hold of an overlay beyond its objects' schemas; each gives a sentence for each thing that is wrong. */
export const RULES = {
  "leaves time to drain": drainProblems,
  "is replaced pod by pod": rolloutProblems,
  "is not killed for being busy": probeProblems,
  "is known to its load balancer": backendProblems,
  "is not cut by its load balancer": loadBalancerProblems,
  "outlives idle timers by its heartbeats": idleProblems,
  "is waited for as long as it may take": timeoutProblems,
  "sets variables that the service reads": environmentProblems,
  "fits into its memory": memoryProblems,
  "mounts what it reads": mountProblems,
  "speaks to a Redis that is there": redisProblems,
  "keeps its log": valkeyProblems,
  "knows its edge": edgeProblems,
  "runs restricted": securityProblems,
  "runs the image, on its port, as its user": imageProblems,
  "scales before it is full": scalingProblems,
  "scales on what can be measured": autoscalerProblems,
  "is scraped where its metrics are": scrapeProblems,
  "stands in one namespace": namespaceProblems,
  "names only what is there": referenceProblems,
  "makes nothing that hangs on nothing": orphanProblems,
  "selects its own pods": selectorProblems,
  "is closed to the network": networkProblems,
  "reaches what it needs": reachabilityProblems,
  "is annotated where it is read": annotationProblems,
  "belongs to one controller": classProblems,
  "routes by what may stream": routingProblems,
  "is reached by its routes alone": exposureProblems,
  "is of one host": hostProblems,
  "fills the emptiest pod first": balancingProblems,
  "is guarded by Kong on every route": kongProblems,
  "holds no stream back": streamProblems,
  "answers nothing in the clear": tlsProblems,
  "limits each client by itself": middlewareProblems,
  "asks who somebody is before it pays": billingProblems,
  "believes no folklore": folkloreProblems,
} satisfies Record<string, (overlay: Overlay) => string[]>;

export type RuleName = keyof typeof RULES;
