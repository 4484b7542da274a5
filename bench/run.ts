import { checkMachine, describeMachine } from "./machine.ts";
import type { Options } from "./options.ts";
import { Reaper } from "./reaper.ts";
import { type Results, type ScenarioResults, summarise } from "./results.ts";
import { SCENARIOS } from "./scenarios/registry.ts";
import type { Delivered, Scenario, Values } from "./scenarios/scenario.ts";
import { createCatalogue } from "./subjects/catalogue.ts";
import { missingRedis } from "./subjects/redis.ts";
import { type SubjectName, TITLES } from "./subjects/subject.ts";

export interface RunContext {
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** What a run has found, and whether all of it went as it should. */
export interface RunOutcome {
  readonly results: Results;
  /** A trial failed, or an event was lost or doubled. */
  readonly flawed: boolean;
}

/** Who takes part in a scenario here, and what they have done so far. */
interface Contest {
  readonly scenario: Scenario;
  readonly bySubject: Map<SubjectName, (Values | undefined)[]>;
  delivered: Delivered;
}

/** Measures everything that is asked for, in rounds. @throws what aborted it */
export async function run({ options, signal, tell }: RunContext): Promise<RunOutcome> {
  const { sizes } = options;
  await checkMachine(Math.max(...Object.values(sizes).filter((size) => size !== sizes.appends)));
  tell(describeMachine());
  using reaper = await Reaper.start();
  await using catalogue = await createCatalogue(new Set(options.subjects));
  const missing = new Map(catalogue.missing);
  const contests = contestsOf(options, missing);
  let failures = 0;

  const attempt = async (contest: Contest, name: SubjectName, round: number): Promise<void> => {
    const { scenario, bySubject } = contest;
    tell(`round ${round}/${options.rounds}: ${TITLES[name]}, ${scenario.name}`);
    const count = (outcome: Delivered): void =>
      void (contest.delivered = sum(contest.delivered, outcome));
    const subject = catalogue.subjects.get(name);
    try {
      const values = await scenario.run({ subject, name, sizes, signal, reaper, count });
      bySubject.get(name)!.push(values);
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      bySubject.get(name)!.push(undefined);
      tell(`  failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  for (let round = 1; round <= options.rounds; round++) {
    // In turns, so that what else the machine does falls upon all alike.
    for (const contest of contests)
      for (const name of contest.bySubject.keys()) await attempt(contest, name, round);
  }
  const scenarios = contests.map((contest): [string, ScenarioResults] => [
    contest.scenario.name,
    summarise(contest.scenario, contest),
  ]);
  const flawed = failures > 0 || scenarios.some(([, { lost, doubled }]) => lost + doubled > 0);
  const results = {
    machine: describeMachine(),
    sizes,
    scenarios: Object.fromEntries(scenarios),
    missing: Object.fromEntries(missing),
  };
  return { results, flawed };
}

function contestsOf(options: Options, missing: Map<SubjectName, string>): Contest[] {
  const noRedis = missingRedis();
  const contests: Contest[] = [];
  for (const scenario of SCENARIOS) {
    if (!options.scenarios.includes(scenario.name)) continue;
    const wanted = [scenario.own, ...scenario.peers].filter(
      (name) => options.subjects.includes(name) && !missing.has(name),
    );
    if (scenario.needsRedis && noRedis !== undefined) missing.set("novastream-redis", noRedis);
    else if (wanted.length > 0)
      contests.push({
        scenario,
        bySubject: new Map(wanted.map((name) => [name, []])),
        delivered: { expected: 0, lost: 0, doubled: 0 },
      });
  }
  return contests;
}

function sum(one: Delivered, other: Delivered): Delivered {
  return {
    expected: one.expected + other.expected,
    lost: one.lost + other.lost,
    doubled: one.doubled + other.doubled,
  };
}
