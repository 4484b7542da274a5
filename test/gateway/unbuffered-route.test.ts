import { chat } from "./checks/chat.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { unbufferedRoute } from "./gateways/nginx.ts";
import { describeGateway } from "./suite.ts";
import { verifies } from "../support/verifies.ts";

describeGateway(unbufferedRoute, verifies("gateways", "gateway-controls"), [
  {
    name: "held back and swallowed: response_buffering, as is the default",
    broken: [
      ["proxy_buffering off;", "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"],
    ],
    fails: (trial) => sse.slow(trial, undefined),
    says: /has taken all/,
  },
  {
    name: "an upload is held back: request_buffering, as is the default",
    broken: [["proxy_request_buffering off;", ""]],
    fails: upload.steady,
    says: /line 0/,
  },
  {
    name: "cut: a read_timeout below the heartbeats",
    broken: [["proxy_read_timeout 300s;", "proxy_read_timeout 150ms;"]],
    fails: chat.idle,
    says: /it has ended/,
  },
]);
