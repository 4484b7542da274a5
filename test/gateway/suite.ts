import { afterAll, beforeAll, describe, expect, it, type TestOptions } from "vitest";
import { chat } from "./checks/chat.ts";
import { longPoll } from "./checks/long-poll.ts";
import { arrivalsOfPosts } from "./checks/posts.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { Exchange } from "./clients/exchange.ts";
import { survivesAbsence } from "./checks/absence.ts";
import { type Gateway, IDLE_SECONDS } from "./gateways/gateway.ts";
import type { Change, GatewayProcess } from "./gateways/gateway-process.ts";
import { HEARTBEAT_MS, ServiceFleet } from "./service-fleet.ts";
import type { Freezer, Trial } from "./trial.ts";

const CHECKS = [sse, chat, upload, webSocket, longPoll] as const;

/** What checks say of a silence that was cut; on a slow machine a short timeout is over before there is a head. */
export const CUT =
  /it was cut|it has ended|closed with 1006|the gateway answers 50[234]|did not come true|after a stream was destroyed|ECONNRESET|EPIPE/;

type Part = (trial: Trial, freezer?: Freezer) => Promise<void>;

/** A wrong configuration as it circulates, and the checks of which none must let it pass. */
export interface Negative {
  readonly name: string;
  readonly broken: readonly Change[];
  /** Each with what it then says. */
  readonly fails: readonly (readonly [part: Part, says: RegExp])[];
}

/** @param patienceMs long enough for a slow machine; of what has to fail, it is how long that takes */
const trialOf = (url: string, patienceMs = 6_000): Trial => ({
  url,
  idleMs: IDLE_SECONDS * 2_200,
  silenceMs: IDLE_SECONDS * 1_400,
  pollMs: IDLE_SECONDS * 800,
  heartbeatMs: HEARTBEAT_MS,
  patienceMs,
  promptMs: 500,
  unevenMs: 150,
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
    // The stand-in is no file that is shipped.
    it.skipIf(!gateway.file.startsWith("docker/"))(
      "what is for those who speak to the processes is 404",
      async () => {
        for (const path of ["/metrics", "/api/v1/connections", "/api/v1/connections/some"]) {
          using exchange = new Exchange(running.url + path);
          await exchange.whole(2_000);
          expect([path, exchange.response?.statusCode]).toEqual([path, 404]);
        }
      },
    );
    it("a POST that has been sent is never repeated", async () => {
      expect(await arrivalsOfPosts(gateway)).toEqual([1, 1]);
    });
    it.skipIf(!gateway.careless)(
      "an EventSource survives that no process is there, and is doomed where nobody thought of it",
      async () => {
        const broken = gateway.careless!;
        await using careless = await gateway.start({ backends: fleet.backends, broken });
        await survivesAbsence(impatient.url, careless.url, fleet);
      },
    );
    const outcomeOf = async (broken: readonly Change[], part: Part, freezer?: Freezer) => {
      await using wrong = await gateway.start({ backends: fleet.backends, broken });
      return await part(trialOf(wrong.url, 2_000), freezer).then(
        () => "it passes",
        (error: Error) => error.message,
      );
    };
    const isAlone = (part: Part) => CHECKS.some((check) => check.freezes && check.slow === part);
    const controls = negatives.flatMap(({ name, broken, fails }) =>
      fails.map(([part, says]) => ({ name: `${name}: ${nameOf(part)}`, broken, part, says })),
    );
    for (const { name, broken, part, says } of controls.filter((control) => isAlone(control.part)))
      it(`made wrong, fails: ${name}`, async () => {
        expect(await outcomeOf(broken, part, fleet)).toMatch(says);
      });
    describe.concurrent("made wrong, fails", () => {
      for (const { name, broken, part, says } of controls.filter(({ part }) => !isAlone(part)))
        it(name, async () => {
          expect(await outcomeOf(broken, part)).toMatch(says);
        });
      it.skipIf(!gateway.repeating)("POSTs are repeated", async () => {
        const arrivals = await arrivalsOfPosts(gateway, gateway.repeating);
        expect(Math.max(...arrivals)).toBeGreaterThan(1);
      });
    });
  });
}

/** `SSE, steady`. */
function nameOf(part: Part): string {
  for (const check of CHECKS)
    for (const name of ["steady", "resume", "slow", "idle"] as const)
      if (check[name] === part) return `${check.name}, ${name}`;
  throw new Error("it is part of no check");
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
    // Who holds pieces back does so every time; a slow machine does not.
    it(`${check.name}: steady`, { ...options, retry: 2 }, () => check.steady(trial()));
    it(`${check.name}: resume after a cut`, options, () => check.resume(trial()));
    it.skipIf(check.freezes && !freezer)(`${check.name}: slow reader`, options, () =>
      check.slow(trial(), freezer?.()),
    );
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
