import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { DemoModel } from "../../src/chat/models/demo-model.ts";
import { demoRequest } from "../load/demo-request.ts";

/**
 * The peer: the same model in a route as one writes it by hand. Each token is written as it comes; there is no log,
 * nothing to resume from, and who leaves ends the answer.
 *
 *   plain-route.ts <port> <delayMs>
 */
const model = new DemoModel(Number(process.argv[3]));

const server = createServer((request, response) => {
  void (async () => {
    const { prompt } = JSON.parse(await text(request)) as { prompt: string };
    const left = new AbortController();
    response.once("close", () => left.abort());
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    for await (const part of model.stream(demoRequest(prompt), left.signal))
      if (part.type === "text") response.write(`${JSON.stringify({ token: part.text })}\n`);
    response.end("[DONE]\n");
  })();
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 16_384 });
