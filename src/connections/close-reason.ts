/**
 * Why a connection ended: one registry. A reason decides the WebSocket code, whether the client should come back, and
 * the metric label. `retryMs` is the range from which the advised delay is drawn; a drain's range is the drain window.
 */
export const CLOSE_REASONS = {
  finished: { webSocketCode: 1000, reconnect: false },
  drain: { webSocketCode: 1012, reconnect: true, retryMs: [500, 5_000] },
  "max-age": { webSocketCode: 4000, reconnect: true, retryMs: [100, 2_000] },
  stalled: { webSocketCode: 4001, reconnect: true, retryMs: [1_000, 5_000] },
  kicked: { webSocketCode: 4002, reconnect: true, retryMs: [1_000, 5_000] },
  overloaded: { webSocketCode: 1013, reconnect: true, retryMs: [2_000, 10_000] },
  "rate-limited": { webSocketCode: 1013, reconnect: true, retryMs: [2_000, 10_000] },
  expired: { webSocketCode: 4401, reconnect: false },
  revoked: { webSocketCode: 4402, reconnect: false },
  forbidden: { webSocketCode: 4403, reconnect: false },
  "protocol-error": { webSocketCode: 1002, reconnect: false },
  "invalid-payload": { webSocketCode: 1007, reconnect: false },
  "too-large": { webSocketCode: 1009, reconnect: false },
  deleted: { webSocketCode: 4404, reconnect: false },
  internal: { webSocketCode: 1011, reconnect: true, retryMs: [1_000, 5_000] },
  /** The client went by itself. */
  gone: { webSocketCode: 1000, reconnect: false },
} as const satisfies Record<
  string,
  { webSocketCode: number; reconnect: boolean; retryMs?: readonly [number, number] }
>;

export type CloseReason = keyof typeof CLOSE_REASONS;

/** A delay to advise, in ms, drawn anew for each client so that they do not come back together; undefined = stay away. */
export function adviseRetryMs(reason: CloseReason, spreadMs = 0): number | undefined {
  const entry = CLOSE_REASONS[reason];
  if (!("retryMs" in entry)) return undefined;
  const [min, max] = entry.retryMs;
  return Math.round(min + Math.random() * (Math.max(max, spreadMs) - min));
}
