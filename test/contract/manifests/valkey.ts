import { trySize } from "../../../src/wire/units.ts";
import { bytes } from "./memory.ts";
import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** Beside the data, and beside what a fork copies of it: clients' buffers, the allocator's waste. */
const ROOM = 1.1;

/** The values behind `--name` on its command line, up to the next. */
function settingOf(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  return at === -1 ? undefined : args[at + 1];
}

const isValkey = ({ spec }: Manifest): boolean =>
  /valkey|redis/.test(spec.template.spec.containers[0].image);

/** Valkey's `768mb` is a MiB times 768. */
const sizeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : trySize(text.replace(/mb$/i, "MiB").replace(/gb$/i, "GiB"));

/** A Redis of the overlay's own keeps what it has acknowledged, and does not end for want of memory. */
export function valkeyProblems(overlay: Overlay): string[] {
  return allOf(overlay, "StatefulSet", "Deployment")
    .filter(isValkey)
    .flatMap((workload) => {
      const [container] = workload.spec.template.spec.containers;
      const problems: string[] = [];
      const setting = (name: string) => settingOf(container.args ?? [], name);
      if (setting("maxmemory-policy") !== "noeviction")
        problems.push(
          `maxmemory-policy ${setting("maxmemory-policy")} takes topics from under their readers`,
        );
      if (setting("appendonly") !== "yes")
        problems.push("forgets at a restart what it has acknowledged: appendonly yes");
      const most = sizeOf(setting("maxmemory"));
      const limit = bytes(container.resources.limits.memory);
      if (most === undefined || 2 * most * ROOM > limit)
        problems.push(
          `maxmemory ${setting("maxmemory")}, twice while its file is rewritten, is more than its limit holds`,
        );
      const claims = (workload.spec.volumeClaimTemplates ?? []) as Manifest[];
      const directory = setting("dir") ?? "/data";
      const data = (container.volumeMounts ?? []).find(
        ({ mountPath }: Manifest) => mountPath === directory,
      );
      if (!claims.some(({ metadata }) => metadata.name === data?.name))
        problems.push(`${directory} is on no claimed volume: the log goes with the pod`);
      const failsAtErrors = (probe: string): boolean =>
        (container[probe]?.exec?.command ?? []).includes("-e");
      if (!failsAtErrors("readinessProbe"))
        problems.push("is called ready while it loads: valkey-cli ends with 0 but for -e");
      for (const probe of ["livenessProbe", "startupProbe"])
        if (failsAtErrors(probe)) problems.push(`is killed while it loads: -e in its ${probe}`);
      return problems.map((problem) => `${named(workload)}: ${problem}`);
    });
}
