import { readStatus, statusText } from "../setup/status.ts";
import { realDisk } from "../store/disk.ts";
import { optionsIn } from "./arguments.ts";
import { type Call, print } from "./command.ts";
import { configFrom } from "./config-from.ts";

/** `hookspan status`. */
export async function status({ args, env, version }: Call): Promise<number> {
  const flags = optionsIn(args, { json: { type: "boolean" } });
  const current = readStatus(realDisk, configFrom(env, {}, "user"), version);
  return print(flags["json"] === true ? `${JSON.stringify(current, replaceBigint, 2)}\n` : statusText(current));
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
