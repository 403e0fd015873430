import { dirname, join } from "node:path";

import { runPreview } from "../view/preview.ts";
import { optionsIn, UsageError } from "./arguments.ts";
import { type Call, fail, print } from "./command.ts";
import { configFrom } from "./config-from.ts";

/** `hookspan preview`. */
export async function preview({ args, env, program }: Call): Promise<number> {
  const flags = optionsIn(args, {
    recording: { type: "string" },
    agent: { type: "string" },
    capture: { type: "string" },
    json: { type: "boolean" },
  });
  const { recording, agent = "claude-code", capture } = flags;
  if (typeof capture === "string" && recording === undefined)
    throw new UsageError("--capture needs --recording: what waits was made with the capture of its time");
  const config = configFrom(env, flags, "user");
  const folder = recording === "demo" ? join(dirname(program), "recording") : String(recording);
  const end = await runPreview({
    program,
    env,
    of:
      recording === undefined
        ? { kind: "waiting", home: config.home }
        : { kind: "recorded", folder, agent: String(agent) },
    capture: config.capture,
    json: flags["json"] === true,
    out: process.stdout,
  });
  if (end.status === "nothing" && recording !== undefined)
    return fail(`nothing comes of ${folder} as a recording of ${String(agent)}; --agent says whose it is`);
  if (end.status === "nothing")
    return print("", "nothing waits to be sent; `hookspan preview --recording demo` shows a recorded session\n");
  return end.status === "shown" ? 0 : fail(end.reason);
}
