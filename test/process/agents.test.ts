// The configuration says of which agents something is recorded.
import { writeFileSync } from "node:fs";

import { expect, test } from "vitest";

import { install } from "../support/installed.ts";
import { runShortSession } from "../support/short-session.ts";

test(
  "of an agent that `agents` does not name nothing is recorded, and it is counted",
  { timeout: 60_000 },
  async () => {
    const installed = await install();
    writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ agents: ["codex"] }));
    await runShortSession(installed, { id: "s", env: { HOOKSPAN_AUTOSTART: "0" } });
    expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
    expect(installed.spans()).toEqual([]);
    const status: { events: object; spool: object } = JSON.parse((await installed.run(["status", "--json"])).stdout);
    expect(status).toMatchObject({ events: { excluded: 6 }, spool: { items: 0 } });
  },
);
