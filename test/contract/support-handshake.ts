import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { operation } from "./support-document.ts";
import type { Exercise } from "./support-exercise.ts";

/** Asks for the console and holds the answer, open or refused, against the document. */
export async function handshake(
  exercise: Exercise,
  origin: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const socket = new WebSocket(`${origin.replace("http", "ws")}${path}`, { headers });
  socket.on("error", () => {});
  const refused = once(socket, "unexpected-response").then(
    ([, response]) => response as IncomingMessage,
  );
  const opened = once(socket, "upgrade").then(([response]) => response as IncomingMessage);
  // The loser of the race rejects when the socket is torn down.
  void Promise.allSettled([refused, opened]);
  const response = await Promise.race([refused, opened]);
  const status = response.statusCode!;
  const pieces = status === 101 ? [] : ((await response.toArray()) as Buffer[]);
  const shown = Object.entries(response.headers).filter(([name]) => name !== "upgrade") as [
    string,
    string,
  ][];
  exercise.check(
    operation("openConsole"),
    status,
    new Headers(shown),
    Buffer.concat(pieces).toString(),
  );
  socket.terminate();
}
