import { annotationProblems, classProblems } from "./annotations.ts";
import { billingProblems } from "./billing.ts";
import { edgeProblems, environmentProblems, memoryProblems } from "./environment.ts";
import { folkloreProblems } from "./folklore.ts";
import { drainProblems, idleProblems, loadBalancerProblems } from "./lifecycle.ts";
import { imageProblems, securityProblems } from "./pods.ts";
import { orphanProblems, referenceProblems } from "./references.ts";
import type { Overlay } from "./rendered.ts";
import { routingProblems, streamProblems } from "./routing.ts";
import { scalingProblems } from "./scaling.ts";
import { networkProblems, selectorProblems } from "./selectors.ts";
import { tlsProblems } from "./tls.ts";

/** What must hold of an overlay beyond its objects' schemas; each gives a sentence for each thing that is wrong. */
export const RULES = {
  "leaves time to drain": drainProblems,
  "is not cut by its load balancer": loadBalancerProblems,
  "outlives idle timers by its heartbeats": idleProblems,
  "sets variables that the service reads": environmentProblems,
  "fits into its memory": memoryProblems,
  "knows its edge": edgeProblems,
  "runs restricted": securityProblems,
  "runs the image, on its port, as its user": imageProblems,
  "scales before it is full": scalingProblems,
  "names only what is there": referenceProblems,
  "makes nothing that hangs on nothing": orphanProblems,
  "selects its own pods": selectorProblems,
  "is closed to the network": networkProblems,
  "is annotated where it is read": annotationProblems,
  "belongs to one controller": classProblems,
  "routes by what may stream": routingProblems,
  "holds no stream back": streamProblems,
  "answers nothing in the clear": tlsProblems,
  "asks who somebody is before it pays": billingProblems,
  "believes no folklore": folkloreProblems,
} satisfies Record<string, (overlay: Overlay) => string[]>;

export type RuleName = keyof typeof RULES;
