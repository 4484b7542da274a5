import type { History } from "../law/history.ts";
import type { Liveness } from "../law/liveness.ts";
import type { Load } from "../load.ts";
import type { Random } from "../random.ts";
import type { Recovery } from "../recovery.ts";
import type { Fleet } from "../world/fleet.ts";
import type { Network } from "../world/network.ts";
import type { Aftermath, Store } from "../world/store.ts";
import type { FaultKind } from "./kinds.ts";
import type { PlannedFault } from "./plan.ts";

/** What can be struck, and who must know of it. */
export interface Scene {
  readonly fleet: Fleet;
  readonly network: Network;
  readonly store: Store;
  readonly load: Load;
  readonly history: History;
  readonly recovery: Recovery;
  readonly liveness: Liveness;
  readonly random: Random;
}

const FREEZE_SHARE = 0.5;
const BURST_TOPIC = "app:bulk";

/** Lets one fault happen. Resolves when it is over, which is not to say that all has mended. */
export async function strike(fault: PlannedFault, scene: Scene): Promise<void> {
  const { history, liveness, recovery } = scene;
  const startedAtMs = Date.now();
  const { lost, windows = [], sinceMs, servedMs } = await happen(fault, scene);
  for (const [topic, entries] of lost ?? []) history.addBranch({ topic, entries, final: false });
  for (const window of windows) history.addTakeBack(window);
  liveness.struck(startedAtMs, servedMs ?? Date.now(), lost !== undefined || windows.length > 0);
  recovery.struck(fault.kind, sinceMs ?? Date.now());
}

async function happen(fault: PlannedFault, scene: Scene): Promise<Aftermath> {
  const { kind, durationMs, target } = fault;
  const { fleet, load, network, random, store } = scene;
  const place = target % fleet.size;
  const sinceMs = Date.now();
  const own: Partial<Record<FaultKind, () => Promise<Aftermath | void> | void>> = {
    "cut-all": () => network.cutAll(),
    freeze: () => network.freeze(durationMs, FREEZE_SHARE, random),
    "service-kill": async () => {
      const deadMs = await fleet.kill(place);
      // The embedded log dies with its process, and nobody can say what it held last.
      if (store.form === "memory") return { windows: [{ fromMs: 0, toMs: deadMs }] };
      return { sinceMs };
    },
    "service-term": async () => {
      await fleet.drain(place);
      return { sinceMs };
    },
    "service-pause": () => fleet.pause(place, durationMs),
    overrun: () =>
      fleet.pause(place, durationMs, () => load.burst(BURST_TOPIC, fleet.beside(place))),
  };
  const ours = own[kind];
  if (ours) return (await ours()) ?? {};
  const theirs = store.faults.get(kind);
  if (!theirs) throw new Error(`${kind} cannot befall ${store.form}`);
  return (await theirs(durationMs, target)) ?? {};
}
