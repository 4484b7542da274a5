import { verifies } from "../support/verifies.ts";
import { chat } from "./checks/chat.ts";
import { longPoll } from "./checks/long-poll.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { unbufferedRoute } from "./gateways/nginx.ts";
import { CUT, describeGateway } from "./suite.ts";

describeGateway(unbufferedRoute, verifies("gateways", "gateway-controls"), [
  {
    name: "held back and swallowed, by response_buffering, as is the default",
    broken: [
      ["proxy_buffering off;", "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"],
    ],
    fails: [
      [chat.steady, /the head came/],
      [sse.slow, /has taken all/],
    ],
  },
  {
    name: "an upload is held back, by request_buffering, as is the default",
    broken: [["proxy_request_buffering off;", ""]],
    fails: [[upload.steady, /line 0/]],
  },
  {
    name: "cut, by a read_timeout below the heartbeats",
    broken: [["proxy_read_timeout 300s;", "proxy_read_timeout 150ms;"]],
    fails: [
      [chat.idle, CUT],
      [webSocket.idle, CUT],
      [longPoll.idle, CUT],
    ],
  },
]);
