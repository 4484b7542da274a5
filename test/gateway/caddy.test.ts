import { verifies } from "../support/verifies.ts";
import { chat } from "./checks/chat.ts";
import { longPoll } from "./checks/long-poll.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { buffering, caddy } from "./gateways/caddy.ts";
import { CUT, describeGateway } from "./suite.ts";

describeGateway(caddy, verifies("gateways", "gateway-controls"), [
  {
    name: "collected, by buffers of answers",
    broken: [["lb_policy least_conn", `lb_policy least_conn\n${buffering("responses")}`]],
    fails: [
      [sse.steady, /the head did not come/],
      [chat.steady, /the head did not come|the head came/],
    ],
  },
  {
    name: "an upload is held back, by buffers of requests",
    broken: [["lb_policy least_conn", `lb_policy least_conn\n${buffering("requests")}`]],
    fails: [
      [upload.steady, /line 0/],
      [upload.slow, /line 0|has taken all/],
    ],
  },
  {
    name: "cut, by a timeout of writing, which is one of the whole answer",
    broken: [["servers {", "servers {\ntimeouts {\nwrite 500ms\n}"]],
    fails: [
      [sse.idle, CUT],
      [chat.idle, CUT],
      [longPoll.idle, CUT],
    ],
  },
  {
    name: "an upload is cut, by a timeout of reading, which is one of the whole request",
    broken: [["servers {", "servers {\ntimeouts {\nread_body 500ms\n}"]],
    fails: [[upload.idle, CUT]],
  },
]);
