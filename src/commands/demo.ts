import { runDemo } from "../view/demo.ts";
import { wantsColor } from "../view/paint.ts";
import { optionsIn } from "./arguments.ts";
import { type Call, fail } from "./command.ts";

/** `hookspan demo`. */
export async function demo({ args, env, program, untilAskedToLeave }: Call): Promise<number> {
  const flags = optionsIn(args, { json: { type: "boolean" }, stack: { type: "boolean" } });
  const json = flags["json"] === true;
  const color = wantsColor(process.stdout, env);
  const path = env["PATH"] ?? "";
  const end = await runDemo({
    program,
    ...(flags["stack"] === true ? { stack: env["HOOKSPAN_ENDPOINT"] || "http://127.0.0.1:4318" } : {}),
    path,
    json,
    color,
    out: process.stdout,
    signal: untilAskedToLeave(),
  });
  return end.status === "done" ? 0 : fail(end.reason);
}
