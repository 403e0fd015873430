import { once } from "node:events";
import { createReceiver } from "./receive.ts";
import { createScreen, type Out } from "./screen.ts";

/** `signal` ends the view. The port of a Collector is 4318; 0 takes a free one. */
export type TailOptions = {
  host?: string;
  port: number;
  json: boolean;
  color: boolean;
  out: Out;
  signal: AbortSignal;
};

export type TailOutcome = { status: "done" } | { status: "failed"; reason: string };

/** Listens in a Collector's place and shows what arrives, until the signal. */
export async function runTail({ host, port, json, color, out, signal }: TailOptions): Promise<TailOutcome> {
  const screen = createScreen({ out, color, json, totals: "each_change" });
  const receiver = createReceiver({
    ...(host === undefined ? {} : { host }),
    port,
    onTraces: screen.takeTraces,
    onMetrics: screen.takeMetrics,
  });
  const listening = await receiver.listen();
  if (listening.status === "failed") return listening;
  screen.say(
    `Listening on ${listening.url} in a Collector's place. Runs appear when they are over. Ctrl-C ends it.\n`,
    { type: "listening", url: listening.url },
  );
  if (!signal.aborted) await once(signal, "abort");
  await receiver.close();
  screen.finish();
  return { status: "done" };
}
