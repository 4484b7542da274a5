import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Gateway } from "../gateways/gateway.ts";
import type { Change } from "../gateways/gateway-process.ts";
import { Exchange } from "../clients/exchange.ts";

const TIMEOUT_MS = 10_000;

/**
 * Behind the gateway stands what takes a POST, and dies of it before it answers: whoever repeats that asks a model twice.
 * @returns how often each of two POSTs arrived, one with a body and one without
 */
export async function arrivalsOfPosts(
  gateway: Gateway,
  broken: readonly Change[] = [],
): Promise<number[]> {
  // Some gateways repeat only what has no body.
  return Promise.all(['{"prompt":"hi"}', ""].map((body) => arrivalsOf(body, gateway, broken)));
}

async function arrivalsOf(body: string, gateway: Gateway, broken: readonly Change[]) {
  let asked = 0;
  const start = async (): Promise<Server> => {
    const server = createServer((request, response) => {
      if (request.url === "/readyz") return void response.end("{}");
      request.resume().once("end", () => {
        asked++;
        request.socket.destroy();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  const servers = [await start(), await start()] as const;
  const addressOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const backends = [addressOf(servers[0]), addressOf(servers[1])] as const;
    await using running = await gateway.start({ backends, broken });
    using exchange = new Exchange(`${running.url}/api/v1/ai/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    await exchange.whole(TIMEOUT_MS);
    const status = exchange.response?.statusCode ?? 0;
    if (status < 500) throw new Error(`the gateway answers ${status}`);
  } finally {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
  return asked;
}
