import { type ClientRequest, type IncomingMessage, request } from "node:http";

export interface Call {
  readonly url: URL;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** After which silence, in ms, the connection is given up. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** One request on a connection of its own, which is given up after silence. Resolves with the answer's head. */
export function open(call: Call): Promise<IncomingMessage> {
  const { url, method = "GET", headers = {}, body, patienceMs, signal } = call;
  return new Promise((resolve, reject) => {
    const outgoing: ClientRequest = request(url, { agent: false, method, headers, signal });
    outgoing.setTimeout(patienceMs, () => outgoing.destroy(new Error("silence")));
    outgoing.once("error", reject);
    outgoing.once("response", (answer) => {
      // What breaks later breaks the body, whose reader hears of it.
      outgoing.off("error", reject).on("error", () => answer.destroy());
      resolve(answer);
    });
    outgoing.end(body);
  });
}

/** The whole body as text. @throws where it is cut */
export async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding("utf8");
  let text = "";
  for await (const piece of answer) text += piece as string;
  return text;
}
