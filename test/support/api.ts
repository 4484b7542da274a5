/** The few calls that most tests make. */
export function apiOf(base: string | (() => string)) {
  const url = (path: string) => `${typeof base === "string" ? base : base()}${path}`;
  const post = (
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
    method = "POST",
  ) =>
    fetch(url(path), {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return {
    url,
    post,
    publish: async (topic: string, events: unknown, headers: Record<string, string> = {}) => {
      const response = await post(
        `/api/v1/topics/${encodeURIComponent(topic)}/events`,
        events,
        headers,
      );
      if (!response.ok) throw new Error(`publish: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { events: { id: string }[] }).events.map(({ id }) => id);
    },
    status: async (name: string, status: unknown) => {
      const response = await post(`/api/v1/wukongs/${name}/status`, status, {}, "PUT");
      if (!response.ok) throw new Error(`status: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { events: [{ id: string }] }).events[0].id;
    },
    json: async (path: string) =>
      (await (await fetch(url(path))).json()) as Record<string, unknown>,
    metric: async (name: string): Promise<number> => {
      const text = await (await fetch(url("/metrics"))).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
      return line === undefined ? 0 : Number(line.slice(name.length + 1));
    },
  };
}
