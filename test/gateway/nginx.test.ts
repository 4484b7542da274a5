import { chat } from "./checks/chat.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { nginx } from "./gateways/nginx.ts";
import { describeGateway } from "./suite.ts";
import { verifies } from "../support/verifies.ts";

/** As with a service that does not say X-Accel-Buffering, or with another nginx between the two, which eats it. */
const BUFFERED = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;";

describeGateway(nginx, verifies("gateways", "gateway-controls"), [
  {
    name: "collected: buffering, with the upstream's HTTP/1.0 of nginx before 1.29.7",
    broken: [
      ["proxy_buffering off;", BUFFERED],
      ["proxy_http_version 1.1;", ""],
    ],
    fails: chat.steady,
    says: /the head did not come|tokens took more than/,
  },
  {
    name: "a reader who does not read is not waited for: buffering",
    broken: [["proxy_buffering off;", BUFFERED]],
    fails: (trial) => sse.slow(trial, undefined),
    says: /has taken all/,
  },
  {
    name: "an upload is held back: request buffering",
    broken: [["proxy_request_buffering off;", ""]],
    fails: upload.steady,
    says: /line 0/,
  },
  {
    name: "cut: an idle timeout below the heartbeats",
    broken: [["proxy_read_timeout 300s;", "proxy_read_timeout 150ms;"]],
    fails: sse.idle,
    says: /it was cut|it has ended/,
  },
  {
    name: "no WebSocket: the headers of the upgrade left out",
    broken: [
      ["proxy_set_header Upgrade $http_upgrade;", ""],
      ["proxy_set_header Connection $connection_upgrade;", 'proxy_set_header Connection "";'],
    ],
    fails: webSocket.steady,
    says: /1006/,
  },
]);
