// What a hook does while its bridge's receiver is a black hole is what it does while all is well: the same calls to the kernel,
// none of them to the network. So its time cannot depend on the receiver; `npm run bench:hook` shows it as a ratio.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test, vi } from "vitest";

import { realDisk } from "../../src/store/disk.ts";
import { readTroubles } from "../../src/store/trouble-file.ts";
import { programPath, QUIET } from "../support/hook-tree.ts";
import { install, WAIT, type Installed } from "../support/installed.ts";

const SESSION = { session_id: "9c1d0000-0000-4000-8000-000000000001" };
const START = { ...SESSION, hook_event_name: "SessionStart", source: "startup" };
const TOOL = { ...SESSION, hook_event_name: "PreToolUse", tool_name: "Bash", tool_use_id: "toolu_1", tool_input: {} };
const FROM_FILE = { HOOKSPAN_ENDPOINT: "" };

test("the same work, whatever becomes of the exports, and no word with the network", async () => {
  const installed = await install();
  const configure = (config: object): void =>
    writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify(config));
  configure({ endpoint: installed.recorder.url });
  expect(await installed.hook(START, FROM_FILE)).toEqual(QUIET);
  const pid = await installed.bridge();
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(1), WAIT);
  const healthy = await traced(installed);

  installed.recorder.answerWith({ manner: "silence" });
  expect(await installed.hook({ ...START, session_id: "another" }, FROM_FILE)).toEqual(QUIET);
  const before = installed.recorder.requests.length;
  await vi.waitFor(() => expect(installed.recorder.requests.length).toBeGreaterThan(before), WAIT);
  const during = await traced(installed);
  installed.recorder.answerWith({ status: 503 });
  const path = join(installed.state, "trouble.json");
  await vi.waitFor(() => expect(readTroubles(realDisk, path)).not.toEqual([]), WAIT);
  const after = await traced(installed);

  expect(during).toEqual(healthy);
  expect(after).toEqual(healthy);
  expect(healthy.filter((call) => /\bexecve\(/.test(call))).toHaveLength(2);
  expect(healthy.filter((call) => /\b(socket|connect|sendto|bind)\(/.test(call))).toEqual([]);
  expect(healthy.filter((call) => call.includes("/state/")).length).toBeGreaterThan(3);
  expect(await installed.bridge()).toBe(pid);
});

/** The hook's calls that name files, start processes or speak with the network, without what differs from run to run. */
async function traced(installed: Installed): Promise<string[]> {
  const file = join(installed.tree.root, "..", "trace");
  const through = [
    programPath("strace"),
    "-f",
    "-qq",
    "-o",
    file,
    "-e",
    "trace=%file,%network,%process",
    "-e",
    "signal=none",
  ];
  const env = { ...installed.env, ...FROM_FILE };
  expect(await installed.tree.run(JSON.stringify(TOOL), { env, through })).toEqual(QUIET);
  return (
    readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.replace(/^\d+ +/, ""))
      .filter((line) => !/resumed|\bwait4\(|st_size=|^arch_prctl|^set_tid/.test(line))
      .map((line) => line.replace(/\d+\.[0-9a-f-]{36}\.evt/g, "ID.evt").replace(/0x[0-9a-f]+/g, "ADDRESS"))
      // What came of a call is told apart from it, where another process spoke in between.
      .map((line) => line.replace(/( <unfinished.*|\) += .*)$/, "").replace(/\d+ vars.*/, "vars"))
      .sort()
  );
}
