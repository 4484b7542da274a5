/** What `monitorEventLoopDelay` samples at, and counts in. */
const SAMPLED_MS = 10;

/**
 * By how much the event loop of what listens there has lagged since it was last asked: p99 of its delay, in ms, as
 * prom-client reports it. It begins anew with each asking.
 */
export async function readLoopLagMs(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(await answer.text())?.[1];
  if (seconds === undefined) throw new Error("The subject does not tell how its event loop lags.");
  return Math.max(0, Number(seconds) * 1_000 - SAMPLED_MS);
}
