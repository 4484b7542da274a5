import { readFileSync } from "node:fs";
import { inRoot, readDockerfile, textOf } from "../support-dockerfile.ts";
import { configOf } from "./environment.ts";
import { deploymentOf, type Manifest, type Overlay } from "./rendered.ts";

const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as { version: string };
const image = readDockerfile().at(-1)!;

/** The image, the user and the ports are those of the Dockerfile and of the configuration; probes ask what they should. */
export function imageProblems(overlay: Overlay): string[] {
  const pod = deploymentOf(overlay).spec.template.spec;
  const [container] = pod.containers as Manifest[];
  const problems = [];
  const tag = `:${version.replaceAll(".", "\\.")}`;
  const digest = "@sha256:[0-9a-f]{64}";
  if (!new RegExp(`(^|/)novastream(${tag}|(${tag})?${digest})$`).test(container.image))
    problems.push(`runs ${container.image}, not novastream:${version} or one by its digest`);
  const { runAsUser, runAsGroup } = pod.securityContext;
  if (`${runAsUser}:${runAsGroup}` !== textOf(image, "USER"))
    problems.push(`runs as ${runAsUser}:${runAsGroup}, not as the image's user`);
  const port = Number(textOf(image, "EXPOSE"));
  if (container.ports.length !== 1 || container.ports[0].containerPort !== port)
    problems.push(`listens elsewhere than on the image's port ${port}`);
  if (configOf(overlay).port !== port)
    problems.push(`PORT ${configOf(overlay).port} is not the image's port ${port}`);
  const asked = ["startupProbe", "livenessProbe", "readinessProbe"].map(
    (probe) => container[probe]?.httpGet?.path as string | undefined,
  );
  if (asked.join() !== "/livez,/livez,/readyz") problems.push(`probes ask ${asked.join()}`);
  return problems;
}
