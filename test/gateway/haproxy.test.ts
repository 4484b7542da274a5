import { chat } from "./checks/chat.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { haproxy } from "./gateways/haproxy.ts";
import { describeGateway } from "./suite.ts";
import { verifies } from "../support/verifies.ts";

describeGateway(haproxy, verifies("gateways", "gateway-controls"), [
  {
    name: "pieces are glued: http-no-delay left out",
    broken: [["option http-no-delay", ""]],
    fails: chat.steady,
    says: /tokens took more than/,
  },
  {
    name: "an upload is held back: http-buffer-request",
    broken: [["option http-no-delay", "option http-no-delay\n  option http-buffer-request"]],
    fails: upload.steady,
    says: /line 0/,
  },
  {
    name: "a stream is cut: a timeout of the server below the heartbeats",
    broken: [["timeout server 300s", "timeout server 150ms"]],
    fails: sse.idle,
    says: /it was cut|it has ended/,
  },
  {
    name: "a WebSocket is cut: a timeout of tunnels below the heartbeats",
    broken: [["timeout tunnel 300s", "timeout tunnel 150ms"]],
    fails: webSocket.idle,
    says: /closed with 1006/,
  },
]);
