import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { AGENTS, AGENT_SETUPS, hookFileOf, wantedHooks } from "./agents.ts";
import { hookProgram } from "./hook-copy.ts";

const WINDOWS = {
  platform: "win32",
  script: "C:\\Users\\me\\hookspan\\hooks\\hookspan.sh",
  twin: "C:\\Users\\me\\hookspan\\dist\\hook.cjs",
  node: "C:\\Program Files\\nodejs\\node.exe",
} as const;

test("Hermes' hooks are those of the snippet, and one of later versions", () => {
  const snippet = readFileSync(join(import.meta.dirname, "../../hooks/hermes.config.yaml"), "utf8");
  const events = Object.keys(parse(snippet).hooks);
  const hooks = Object.keys(AGENT_SETUPS.hermes.hooks);
  expect(hooks.filter((event) => event !== "post_auxiliary_call")).toEqual(events);
  expect(hooks).toContain("post_auxiliary_call");
});

describe.for(AGENTS.filter((agent) => AGENT_SETUPS[agent].form !== "plugin"))("%s", (agent) => {
  test.for([
    [
      "linux",
      hookProgram("/home/me/my data/hookspan", "linux", "/usr/bin/node"),
      /^'\/home\/me\/my data\/hookspan\/hooks\/hookspan\.sh' /,
    ],
    [
      "Windows",
      WINDOWS,
      /^(?:node "C:\/Users\/me\/hookspan\/dist\/hook\.cjs"|& 'C:\\Program Files\\nodejs\\node\.exe' 'C:\\Users\\me\\hookspan\\dist\\hook\.cjs') /,
    ],
  ] as const)("on %s each hook calls the installed program, and is known again as ours", ([, program, line]) => {
    const hooks = Object.values(wantedHooks(agent, program, [99, 0, 0]));
    expect(hooks.length).toBeGreaterThan(5);
    for (const hook of hooks) {
      expect(String(hook["command"] ?? hook["bash"] ?? hook["powershell"])).toMatch(line);
      expect(JSON.stringify(hook)).not.toContain("/path/to");
      expect(hookFileOf(agent).isOurs(hook)).toBe(true);
    }
  });

  test("another agent's hook, and one inside of a wrapper, are not ours", () => {
    const file = hookFileOf(agent);
    expect(file.isOurs({ command: "/d/hookspan/hooks/hookspan.sh another" })).toBe(false);
    expect(file.isOurs({ command: `/d/hookspan/hooks/hookspan-wrap.sh --agent ${agent} -- mine` })).toBe(false);
  });
});
