import { chat } from "./checks/chat.ts";
import { sse } from "./checks/sse.ts";
import { upload } from "./checks/upload.ts";
import { buffering, caddy } from "./gateways/caddy.ts";
import { describeGateway } from "./suite.ts";
import { verifies } from "../support/verifies.ts";

describeGateway(caddy, verifies("gateways", "gateway-controls"), [
  {
    name: "collected: answers are buffered",
    broken: [["lb_retries 0", `lb_retries 0\n${buffering("responses")}`]],
    fails: chat.steady,
    says: /the head did not come|tokens took more than/,
  },
  {
    name: "an upload is held back: requests are buffered",
    broken: [["lb_retries 0", `lb_retries 0\n${buffering("requests")}`]],
    fails: upload.steady,
    says: /line 0/,
  },
  {
    name: "cut: a timeout of writing, which is one of the whole answer",
    broken: [["servers {", "servers {\ntimeouts {\nwrite 500ms\n}"]],
    fails: sse.idle,
    says: /it was cut|it has ended/,
  },
]);
