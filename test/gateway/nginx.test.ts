import { verifies } from "../support/verifies.ts";
import { chat } from "./checks/chat.ts";
import { longPoll } from "./checks/long-poll.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { webSocket } from "./checks/web-socket.ts";
import { nginx } from "./gateways/nginx.ts";
import { CUT, describeGateway } from "./suite.ts";

/** As with a service that does not say X-Accel-Buffering, or with another nginx between the two, which eats it. */
const BUFFERED = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;";

describeGateway(nginx, verifies("gateways", "gateway-controls"), [
  {
    name: "collected, by buffering with the upstream's HTTP/1.0 of nginx before 1.29.7",
    broken: [
      ["proxy_buffering off;", BUFFERED],
      ["proxy_http_version 1.1;", ""],
    ],
    fails: [
      [sse.steady, /the head did not come/],
      [chat.steady, /the head did not come|the head came/],
    ],
  },
  {
    name: "heads wait, and a reader who does not read is not waited for, by buffering",
    broken: [["proxy_buffering off;", BUFFERED]],
    fails: [
      [chat.steady, /the head came/],
      [sse.slow, /has taken all/],
    ],
  },
  {
    name: "an upload is held back, by request buffering",
    broken: [["proxy_request_buffering off;", ""]],
    fails: [
      [upload.steady, /line 0/],
      [upload.slow, /line 0|has taken all/],
    ],
  },
  {
    name: "cut, by an idle timeout below the heartbeats",
    broken: [["proxy_read_timeout 300s;", "proxy_read_timeout 150ms;"]],
    fails: [
      [sse.idle, CUT],
      [chat.idle, CUT],
      [webSocket.idle, CUT],
      [longPoll.idle, CUT],
    ],
  },
  {
    name: "an upload is cut, by a timeout of bodies below the sender's heartbeats",
    broken: [["client_body_timeout 300s;", "client_body_timeout 150ms;"]],
    fails: [[upload.idle, CUT]],
  },
  {
    name: "no WebSocket, without the headers of the upgrade",
    broken: [
      ["proxy_set_header Upgrade $http_upgrade;", ""],
      ["proxy_set_header Connection $connection_upgrade;", 'proxy_set_header Connection "";'],
    ],
    fails: [[webSocket.steady, /closed with 1006/]],
  },
]);
