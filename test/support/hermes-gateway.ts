/** A stand-in for Hermes' gateway: a Python process that has loaded the forwarder and tells it of events. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { onTestFinished } from "vitest";
import * as z from "zod";

const DRIVER = join(import.meta.dirname, "..", "hermes-forwarder", "drive.py");

const count = z.number();

/** What became of events, as the forwarder counts them. */
const countsSchema = z.strictObject({
  accepted: count,
  spooled: count,
  dropped: count,
  refused: count,
  waiting: count,
});

export type HermesGateway = {
  /** An event of the gateway; resolves when the forwarder has returned to it. */
  tell(event: string, context: object): Promise<void>;
  counts(): Promise<z.output<typeof countsSchema>>;
  /** Ends the process as a gateway ends; resolves with what it said on stderr. */
  end(): Promise<string>;
};

/** Fails if there is no python3. The process is killed after the test, if it has not ended. */
export async function startHermesGateway(env: NodeJS.ProcessEnv): Promise<HermesGateway> {
  const child = spawn("python3", ["-B", DRIVER], { env, stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the stand-in for Hermes' gateway has ended; it said:\n${said}`);
    return JSON.parse(value);
  };
  await answer();

  return {
    async tell(event, context) {
      child.stdin.write(`${JSON.stringify([event, context])}\n`);
      if ((await answer()) !== null) throw new Error("the hook gave something back, which Hermes takes for a decision");
    },
    async counts() {
      child.stdin.write('"counts"\n');
      return countsSchema.parse(await answer());
    },
    async end() {
      child.stdin.end();
      await ended;
      return said;
    },
  };
}
