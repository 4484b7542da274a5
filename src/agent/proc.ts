import { readFileSync } from "node:fs";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/** In `/proc/PID/stat` (proc(5)), counted from what comes after the command's name. */
const AFTER_NAME = { utime: 11, stime: 12, cutime: 13, cstime: 14, start: 19 } as const;
/** The fields of the terminal: the process group, and the one in the terminal's foreground. */
const GROUPS = { own: 2, foreground: 5 } as const;

/** The fields behind the command's name, which may itself hold spaces and parentheses. */
export function parseStat(text: string): readonly string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Clock ticks of a process and of those of its children that it has waited for. */
export function cpuTicks(stat: readonly string[]): number {
  const { utime, stime, cutime, cstime } = AFTER_NAME;
  return [utime, stime, cutime, cstime].reduce((sum, at) => sum + Number(stat[at]), 0);
}

/** Differs between two processes that have had the same number; undefined where the system does not tell. */
export function tryProcessStart(pid: number): string | undefined {
  try {
    const start = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))[AFTER_NAME.start]!;
    return `${readFileSync(BOOT_ID, "utf8").trim()}-${start}`;
  } catch {
    return undefined;
  }
}

/** Whether what is typed at the terminal reaches us, and with us all of our group; undefined where nobody tells. */
export function tryInForeground(): boolean | undefined {
  try {
    const stat = parseStat(readFileSync("/proc/self/stat", "utf8"));
    return stat[GROUPS.own] === stat[GROUPS.foreground];
  } catch {
    return undefined;
  }
}
