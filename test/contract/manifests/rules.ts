import { annotationProblems, classProblems } from "./annotations.ts";
import { billingProblems } from "./billing.ts";
import { edgeProblems } from "./edge.ts";
import { environmentProblems } from "./environment.ts";
import { folkloreProblems } from "./folklore.ts";
import { drainProblems, idleProblems, loadBalancerProblems } from "./lifecycle.ts";
import { memoryProblems } from "./memory.ts";
import { mountProblems } from "./mounts.ts";
import { networkProblems } from "./network-bounds.ts";
import { securityProblems } from "./pod-security.ts";
import { imageProblems } from "./pods.ts";
import { reachabilityProblems } from "./reachability.ts";
import { redisProblems } from "./redis.ts";
import { orphanProblems, referenceProblems } from "./references.ts";
import type { Overlay } from "./rendered.ts";
import { routingProblems, streamProblems } from "./routing.ts";
import { scalingProblems } from "./scaling.ts";
import { selectorProblems } from "./selectors.ts";
import { tlsProblems } from "./tls.ts";
import { valkeyProblems } from "./valkey.ts";

/** What must hold of an overlay beyond its objects' schemas; each gives a sentence for each thing that is wrong. */
export const RULES = {
  "leaves time to drain": drainProblems,
  "is not cut by its load balancer": loadBalancerProblems,
  "outlives idle timers by its heartbeats": idleProblems,
  "sets variables that the service reads": environmentProblems,
  "fits into its memory": memoryProblems,
  "mounts what it reads": mountProblems,
  "speaks to a Redis that is there": redisProblems,
  "keeps its log": valkeyProblems,
  "knows its edge": edgeProblems,
  "runs restricted": securityProblems,
  "runs the image, on its port, as its user": imageProblems,
  "scales before it is full": scalingProblems,
  "names only what is there": referenceProblems,
  "makes nothing that hangs on nothing": orphanProblems,
  "selects its own pods": selectorProblems,
  "is closed to the network": networkProblems,
  "reaches what it needs": reachabilityProblems,
  "is annotated where it is read": annotationProblems,
  "belongs to one controller": classProblems,
  "routes by what may stream": routingProblems,
  "holds no stream back": streamProblems,
  "answers nothing in the clear": tlsProblems,
  "asks who somebody is before it pays": billingProblems,
  "believes no folklore": folkloreProblems,
} satisfies Record<string, (overlay: Overlay) => string[]>;

export type RuleName = keyof typeof RULES;
