import { verifies } from "../support/verifies.ts";
import { chat } from "./checks/chat.ts";
import { longPoll } from "./checks/long-poll.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { haproxy } from "./gateways/haproxy.ts";
import { CUT, describeGateway } from "./suite.ts";

describeGateway(haproxy, verifies("gateways", "gateway-controls"), [
  {
    name: "pieces are glued, without http-no-delay",
    broken: [["option http-no-delay", ""]],
    fails: [[chat.steady, /tokens took more than/]],
  },
  {
    name: "an upload is held back, by http-buffer-request",
    broken: [["option http-no-delay", "option http-no-delay\n  option http-buffer-request"]],
    fails: [[upload.steady, /line 0/]],
  },
  {
    name: "cut, by a timeout of the server below the heartbeats",
    broken: [["timeout server 300s", "timeout server 150ms"]],
    fails: [
      [sse.idle, CUT],
      [chat.idle, CUT],
      [longPoll.idle, CUT],
    ],
  },
  {
    name: "an upload is cut, by timeouts below the sender's heartbeats",
    broken: [
      ["timeout client 300s", "timeout client 150ms"],
      ["timeout server 300s", "timeout server 150ms"],
    ],
    fails: [[upload.idle, CUT]],
  },
  {
    name: "a WebSocket is cut, by a timeout of tunnels below the heartbeats",
    broken: [["timeout tunnel 300s", "timeout tunnel 150ms"]],
    fails: [[webSocket.idle, CUT]],
  },
]);
