import { dirname } from "node:path";

import { hookBeside, wrap as runWrapped } from "../wrap.ts";
import { optionsIn } from "./arguments.ts";
import { type Call, fail } from "./command.ts";

/** `hookspan wrap`. */
export async function wrap({ args, program }: Call): Promise<number> {
  const at = args.includes("--") ? args.indexOf("--") : args.length;
  const text = { type: "string" } as const;
  const flags = optionsIn(args.slice(0, at), { agent: text, event: text, name: text, source: text, settings: text });
  const command = args.slice(at + 1);
  // Not 2: to an agent that would be a hook's no.
  if (command.length === 0) return fail("no command to wrap; usage: hookspan wrap --event E --name N -- command ...");
  const given = (name: string): string => String(flags[name] ?? "");
  const end = await runWrapped({
    agent: given("agent") || "claude-code",
    event: given("event"),
    name: given("name"),
    source: given("source"),
    settings: given("settings"),
    command,
    hookFile: hookBeside(dirname(program)),
  });
  if ("code" in end) return end.code;
  process.removeAllListeners(end.signal);
  process.kill(process.pid, end.signal);
  return 143; // Where a signal does not end us.
}
