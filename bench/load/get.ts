import { openClientSocket, resetSocket, shared } from "./client-socket.ts";
import type { GetCommand, Outcome } from "./protocol.ts";

const OK = /^HTTP\/1\.1 200 .*\r\nContent-Length: (\d+)\r\n.*?\r\n\r\n/is;

/** GETs at once, each over a connection of its own, which is cut once it has been answered. */
export async function getAtOnce({ port, path, requests }: GetCommand): Promise<Outcome> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: requests }, () => getOnce(port, path)));
  return { expected: requests, lost: 0, doubled: 0, wallMs: performance.now() - startedAt };
}

function getOnce(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onPiece = (length: number): void => {
      text += shared.toString("latin1", 0, length);
      const head = OK.exec(text);
      if (head && text.length >= head[0].length + Number(head[1])) {
        resolve();
        resetSocket(socket);
      } else if (!head && text.includes("\r\n\r\n")) {
        reject(new Error(`A GET was answered ${text.slice(0, 60)}.`));
        resetSocket(socket);
      }
    };
    const socket = openClientSocket(port, onPiece, reject);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  });
}
