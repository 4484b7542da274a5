import { chat, chatRedis, chatUi, chatUiRedis } from "./chat.ts";
import { CROWDS } from "./crowd.ts";
import { bursts, latency, single, websocket } from "./fan-out.ts";
import { connections, idle, reconnect } from "./many.ts";
import { publish } from "./publish.ts";
import { replay } from "./replay.ts";
import type { Scenario } from "./scenario.ts";

/** All that is measured, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  single,
  bursts,
  latency,
  idle,
  websocket,
  chat,
  chatRedis,
  chatUi,
  chatUiRedis,
  ...CROWDS,
  replay,
  publish,
  reconnect,
  connections,
];
