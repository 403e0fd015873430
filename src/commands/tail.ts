import { wantsColor } from "../view/paint.ts";
import { runTail } from "../view/tail.ts";
import { optionsIn, UsageError } from "./arguments.ts";
import { type Call, fail } from "./command.ts";

/** `hookspan tail`. */
export async function tail({ args, env, untilAskedToLeave }: Call): Promise<number> {
  const flags = optionsIn(args, { port: { type: "string" }, json: { type: "boolean" } });
  const port = Number(flags["port"] ?? "4318");
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new UsageError(`--port takes a number from 0 to 65535, not "${String(flags["port"])}"`);
  const json = flags["json"] === true;
  const end = await runTail({
    port,
    json,
    color: wantsColor(process.stdout, env),
    out: process.stdout,
    signal: untilAskedToLeave(),
  });
  return end.status === "done" ? 0 : fail(end.reason);
}
