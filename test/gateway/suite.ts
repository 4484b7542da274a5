import { afterAll, beforeAll, describe, expect, it, type TestOptions } from "vitest";
import { chat } from "./checks/chat.ts";
import { longPoll } from "./checks/long-poll.ts";
import { arrivalsOfPosts } from "./checks/posts.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { survivesAbsence } from "./checks/absence.ts";
import { type Gateway, IDLE_SECONDS } from "./gateways/gateway.ts";
import type { Change, GatewayProcess } from "./gateways/gateway-process.ts";
import { HEARTBEAT_MS, ServiceFleet } from "./service-fleet.ts";
import type { Freezer, Trial } from "./trial.ts";

const CHECKS = [sse, chat, upload, webSocket, longPoll] as const;

/** A wrong configuration as it circulates, and the check that must not let it pass. */
export interface Negative {
  readonly name: string;
  readonly broken: readonly Change[];
  readonly fails: (trial: Trial) => Promise<void>;
  /** What the check then says. */
  readonly says: RegExp;
}

const trialOf = (url: string): Trial => ({
  url,
  idleMs: IDLE_SECONDS * 2_200,
  pollMs: IDLE_SECONDS * 800,
  heartbeatMs: HEARTBEAT_MS,
  patienceMs: 2_000,
  promptMs: 150,
});

/** All checks behind a gateway that is started from its shipped file. */
export function describeGateway(
  gateway: Gateway,
  options: TestOptions,
  negatives: readonly Negative[],
): void {
  const describeIt = describe.skipIf(process.env["GATEWAY_URL"]);
  describeIt(`${gateway.name} with ${gateway.file}`, options, () => {
    let fleet: ServiceFleet;
    let running: GatewayProcess;
    let impatient: GatewayProcess;
    beforeAll(async () => {
      fleet = await ServiceFleet.start();
      const { backends } = fleet;
      running = await gateway.start({ backends });
      impatient = await gateway.start({ backends, impatient: true });
    });
    afterAll(async () => {
      await running?.[Symbol.asyncDispose]();
      await impatient?.[Symbol.asyncDispose]();
      await fleet?.[Symbol.asyncDispose]();
    });

    describeChecks({
      trial: () => trialOf(running.url),
      idleTrial: () => trialOf(impatient.url),
      freezer: () => fleet,
      roll: () => fleet.roll(),
    });
    it("a POST that has been sent is never repeated", async () => {
      expect(await arrivalsOfPosts(gateway)).toEqual([1, 1]);
    });
    it.skipIf(!gateway.endures)("an EventSource survives that no process is there", () =>
      survivesAbsence(impatient.url, fleet),
    );
    describe.concurrent("made wrong, fails", () => {
      for (const { name, broken, fails, says } of negatives) {
        it(name, async () => {
          const { backends } = fleet;
          await using wrong = await gateway.start({ backends, broken });
          const outcome = await fails(trialOf(wrong.url)).then(
            () => "it passes",
            (error: Error) => error.message,
          );
          expect(outcome).toMatch(says);
        });
      }
      it.skipIf(!gateway.repeating)("POSTs are repeated", async () => {
        const arrivals = await arrivalsOfPosts(gateway, gateway.repeating);
        expect(Math.max(...arrivals)).toBeGreaterThan(1);
      });
    });
  });
}

export interface Stage {
  readonly trial: () => Trial;
  /** Where idle timeouts are short. */
  readonly idleTrial: () => Trial;
  /** Undefined where the processes are not ours. */
  readonly freezer?: () => Freezer;
  /** Replaces all processes; undefined where that is not possible. */
  readonly roll: (() => Promise<void>) | undefined;
  readonly timeoutMs?: number;
}

export function describeChecks({ trial, idleTrial, freezer, roll, timeoutMs }: Stage): void {
  const options = { timeout: timeoutMs ?? 60_000 };
  for (const check of CHECKS) {
    it(`${check.name}: steady`, options, () => check.steady(trial()));
    it(`${check.name}: resume after a cut`, options, () => check.resume(trial()));
    it(`${check.name}: slow reader`, options, () => check.slow(trial(), freezer?.()));
  }
  // They only wait.
  describe.concurrent("idle beyond the timeout, kept by heartbeats", () => {
    for (const check of CHECKS) it(check.name, options, () => check.idle(idleTrial()));
  });
  it.skipIf(!roll)("rolling backends, everything at once", options, async () => {
    const rolled = roll!();
    const outcomes = await Promise.allSettled(
      CHECKS.map((check) => check.rolling(trial(), rolled)),
    );
    const failures = outcomes.flatMap((outcome, i) =>
      outcome.status === "rejected"
        ? [`${CHECKS[i]!.name}: ${(outcome.reason as Error).message}`]
        : [],
    );
    expect(failures).toEqual([]);
  });
}
