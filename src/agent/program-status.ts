/** The state of a program, as its status topic tells it. */
export interface ProgramStatus {
  /** Restarting: it has ended, and will be started again. */
  readonly phase: "Starting" | "Running" | "Restarting" | "Succeeded" | "Failed";
  /** The program and its arguments, for people. */
  readonly command: string;
  readonly host: string;
  /** RFC 3339, as are the others. */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  /** When it will be started again. */
  readonly restartAt?: string | undefined;
  readonly pid?: number | undefined;
  readonly exitCode?: number | undefined;
  /** By which it was killed. */
  readonly signal?: string | undefined;
  readonly restarts: number;
  /** Why it could not be started. */
  readonly message?: string | undefined;
  /** Of the program and its descendants; absent where the system does not tell. */
  readonly cpuCores?: number | undefined;
  readonly memoryBytes?: number | undefined;
  /** Lines that wait for the server, in bytes as they are stored. */
  readonly spooledBytes?: number | undefined;
  /** Lines that were dropped or refused since the agent's start. */
  readonly droppedLines?: number | undefined;
  /** Why lines are kept in memory and not on disk. */
  readonly spoolTrouble?: string | undefined;
}

/** What is sampled. */
export type StatusSample = Pick<
  ProgramStatus,
  "cpuCores" | "memoryBytes" | "spooledBytes" | "droppedLines" | "spoolTrouble"
>;

/** Less is noise: a program that idles is not worth an event each time. */
const CPU_STEP_CORES = 0.02;
const MEMORY_STEP = 0.02;

/** Whether a sample tells what the last one that was told did not. */
export function isNews(before: StatusSample, now: StatusSample): boolean {
  const cpu = Math.abs((now.cpuCores ?? 0) - (before.cpuCores ?? 0));
  const memory = Math.abs((now.memoryBytes ?? 0) - (before.memoryBytes ?? 0));
  return (
    cpu >= CPU_STEP_CORES ||
    memory > (before.memoryBytes ?? 0) * MEMORY_STEP ||
    (["spooledBytes", "droppedLines", "spoolTrouble"] as const).some(
      (key) => now[key] !== before[key],
    )
  );
}
