/**
 * Stands in for OpenCode: `node opencode-agent.mjs <plugin> <events.jsonl> [directory]` loads the plugin, gives it the recorded events with
 * the recorded clock, and leaves as OpenCode does, without waiting for anybody. What a hook of the plugin throws, ends it.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [plugin, recording, directory = "/home/user/project"] = process.argv.slice(2);
const { Hookspan, ...others } = await import(pathToFileURL(plugin).href);
if (Object.keys(others).length > 0) throw new Error("OpenCode takes every export for a plugin");
const hooks = await Hookspan({ directory });

for (const line of readFileSync(recording, "utf8").split("\n")) {
  if (line === "") continue;
  const { ts_ns: ns, event, data } = JSON.parse(line);
  const ms = Math.floor(Number(ns) / 1e6);
  Date.now = () => ms;
  if (event.startsWith("event:"))
    await hooks.event?.({ event: { type: event.slice("event:".length), properties: data } });
  else await hooks[event]?.(data.input, data.output);
}
process.exit(0);
