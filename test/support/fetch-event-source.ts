import { fetchEventSource } from "@microsoft/fetch-event-source";

/** The few things of a page that the library asks for; nobody hides this one. */
const page = {
  window: { fetch, setTimeout, clearTimeout },
  document: { hidden: false, addEventListener: () => {}, removeEventListener: () => {} },
};

export interface Repeated {
  /** Of each event, in the order in which they came. */
  readonly messages: { readonly id: string; readonly event: string; readonly data: string }[];
  /** Which generation each response was of. */
  readonly generations: (string | null)[];
}

/** POSTs with `@microsoft/fetch-event-source`, which repeats the same POST whenever the stream breaks. */
export async function postEventSource(url: string, body: object): Promise<Repeated> {
  Object.assign(globalThis, page);
  const repeated: Repeated = { messages: [], generations: [] };
  await fetchEventSource(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    onopen: async (response) => {
      if (!response.ok) throw new Refused(`${response.status}: ${await response.text()}`);
      repeated.generations.push(response.headers.get("x-generation-id"));
    },
    onmessage: ({ id, event, data }) => void repeated.messages.push({ id, event, data }),
    onerror: (error) => {
      if (error instanceof Refused) throw error;
      // At once, where it would wait for a second.
      return 1;
    },
  });
  return repeated;
}

/** By the service: another try would be refused as well. */
class Refused extends Error {}
