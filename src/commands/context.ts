import { birthOf } from "../bridge/process-alive.ts";
import { ancestorsOf } from "../setup/ancestors.ts";
import { surroundingContext } from "../setup/surrounding-context.ts";
import { realDisk } from "../store/disk.ts";
import { optionsIn, UsageError } from "./arguments.ts";
import { type Call, fail, print } from "./command.ts";
import { configFrom } from "./config-from.ts";

/** `hookspan context`. */
export async function context({ args, env }: Call): Promise<number> {
  const flags = optionsIn(args, { agent: { type: "string" }, session: { type: "string" } });
  const { agent = "claude-code", session } = flags;
  if (session === undefined && flags["agent"] !== undefined) throw new UsageError("--agent needs --session");
  const found = surroundingContext(realDisk, configFrom(env, {}, "user"), {
    ancestors: ancestorsOf(process.pid),
    birthOf,
    session: session === undefined ? undefined : { agent: String(agent), id: String(session) },
    claudeSession: env["CLAUDE_CODE_SESSION_ID"],
    nowNs: BigInt(Date.now()) * 1_000_000n,
  });
  if (found.status === "found") return print(`${found.traceparent}\n`);
  // What is around this process is still around what it starts.
  const inherited = env["TRACEPARENT"] ?? "";
  return inherited === "" ? fail(found.reason) : print(`${inherited}\n`);
}
