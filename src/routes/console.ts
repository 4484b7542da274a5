import { randomUUID } from "node:crypto";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { AddressOf } from "../addresses/client-address.ts";
import { adviseRetryMs, CLOSE_REASONS, type CloseReason } from "../connections/close-reason.ts";
import type { ConnectionManager } from "../connections/connection-manager.ts";
import { ServiceError } from "../errors.ts";
import { tryCursor } from "../hub/cursor.ts";
import { defaultStart } from "../hub/start.ts";
import { statusTopic } from "../log/topic.ts";
import type { Logger } from "../telemetry/logger.ts";
import { WebSocketTransport } from "../transports/websocket.ts";
import { parseConsoleMessage } from "../wire/console.ts";
import type { WukongDirectory } from "../wukongs/wukong-directory.ts";
import { problemResponse } from "./problem.ts";
import { rangeUrlOf } from "./range-url.ts";
import { refuseDeleted } from "./wukongs.ts";
import { principalOf } from "./request.ts";
import { WaitingConsole } from "./waiting-console.ts";

/** Of one message from a client, in bytes. */
const MESSAGE_MAX = 65_536;
const FAREWELL_MS = 1_000;

export interface ConsoleServices {
  readonly connections: ConnectionManager;
  readonly addressOf: AddressOf;
  readonly logger: Logger;
  readonly corsOrigins: readonly string[];
  readonly wukongs: WukongDirectory;
}

/** `/ws/wukong/{name}`: answers upgrades of the HTTP server. */
export class ConsoleEndpoint implements AsyncDisposable {
  readonly #services: ConsoleServices;
  // No compression: it would cost a context and a copy per reader, and our frames go past it.
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_MAX,
  });

  constructor(services: ConsoleServices) {
    this.#services = services;
  }

  /** The listener for `upgrade`. */
  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    void this.#upgrade(request, socket, head);
  };

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on("error", onError);
    try {
      const url = new URL(request.url ?? "/", "http://localhost");
      const name = /^\/ws\/wukong\/([^/]+)$/.exec(url.pathname)?.[1];
      if (name === undefined)
        throw new ServiceError("not-found", "The console is at /ws/wukong/{name}.");
      const session = await this.#session(request, decodeURIComponent(name), url.searchParams);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off("error", onError);
        session(webSocket, socket).catch((error: unknown) => {
          this.#services.logger.error({ err: error }, "a console failed");
          webSocket.terminate();
        });
      });
    } catch (error) {
      await refuseUpgrade(socket, error instanceof URIError ? badName() : error);
    }
  }

  /** Checks everything before the handshake. @returns what to do after it */
  async #session(request: IncomingMessage, name: string, query: URLSearchParams) {
    const { connections, addressOf, corsOrigins } = this.#services;
    requireOrigin(request, corsOrigins);
    const topic = statusTopic(name);
    const address = addressOf(request);
    const principal = principalOf(query.get("user") ?? undefined);
    const shown = query.get("last_event_id");
    const position = shown ? tryCursor(shown, [topic])?.get(topic) : undefined;
    if (shown && !position) {
      throw new ServiceError("invalid-parameter", "last_event_id is not a cursor of this stream.", {
        field: "last_event_id",
      });
    }
    await refuseDeleted(this.#services.wukongs, name);
    return async (webSocket: WebSocket, socket: Duplex): Promise<void> => {
      const transport = new WebSocketTransport(webSocket, socket, webSocketCode);
      webSocket.on("error", () => webSocket.terminate());
      // After the handshake: of an upgrade that is refused, browsers tell their page nothing but 1006.
      const waiting = new WaitingConsole(webSocket, MESSAGE_MAX);
      const { kind } = transport;
      const { signal } = waiting;
      const admission = await connections.admit({ transport: kind, principal, address, signal });
      const early = waiting.end();
      if ("reason" in admission) {
        if (webSocket.readyState === webSocket.CLOSED) return;
        // Gone and yet there: it has said too much while it waited.
        const reason = admission.reason === "gone" ? "overloaded" : admission.reason;
        return transport.close({ reason, reconnect: true, retryMs: adviseRetryMs(reason) });
      }
      const start = position ? ({ kind: "cursor", position } as const) : defaultStart(topic);
      admission.open({
        transport,
        subscriptions: [{ topic, start }],
        rangeUrl: rangeUrlOf(`/api/v1/wukongs/${name}/stream`, query, false),
        greeting: { message: `Connected to ${name}` },
      });
      for (const { data, binary } of early) answer(transport, data, binary);
      webSocket.on("message", (data, binary) => answer(transport, data, binary));
    };
  }

  /** Those that have been told to go have a moment to do so; then they are cut. */
  async [Symbol.asyncDispose](): Promise<void> {
    const deadline = performance.now() + FAREWELL_MS;
    while (this.#server.clients.size > 0 && performance.now() < deadline) await delay(10);
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}

function answer(transport: WebSocketTransport, data: RawData, binary: boolean): void {
  const parsed = binary
    ? { problem: "Messages are JSON text." }
    : parseConsoleMessage((data as Buffer).toString("utf8"));
  if ("problem" in parsed) {
    const { id, problem } = parsed;
    transport.answer({
      type: "error",
      ...(id === undefined ? {} : { id }),
      code: "bad-message",
      message: problem,
    });
  } else transport.answer({ type: "result", id: parsed.id });
}

function webSocketCode(reason: string): number {
  return CLOSE_REASONS[reason as CloseReason].webSocketCode;
}

/** Browsers let any page open a WebSocket: only origins that CORS admits may, and pages of this very host. */
function requireOrigin(request: IncomingMessage, allowed: readonly string[]): void {
  const { origin, host } = request.headers;
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ServiceError(
    "forbidden-origin",
    `Pages of ${origin.slice(0, 200)} may not connect; see CORS_ORIGINS.`,
    { field: "Origin" },
  );
}

function badName(): ServiceError {
  return new ServiceError("invalid-parameter", "name is not percent-encoded UTF-8.", {
    field: "name",
  });
}

async function refuseUpgrade(socket: Duplex, error: unknown): Promise<void> {
  const requestId = randomUUID();
  const problem = problemResponse(error, requestId);
  const body = await problem.text();
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...[...problem.headers].map(([name, value]) => `${name}: ${value}`),
    `x-request-id: ${requestId}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  // Node's sockets stay half open, and the HTTP server no longer looks after this one.
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
