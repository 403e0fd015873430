import { writeFileSync } from "node:fs";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { createActivityFile, readActivity } from "./activity-file.ts";
import { realDisk } from "./disk.ts";

const SECOND = 1_000_000_000n;

test("keeps the newest of each agent and signal, over restarts", () => {
  const { activity: path } = tempState();
  const first = createActivityFile(realDisk, path);
  first.heard("codex", 20n * SECOND);
  first.heard("codex", 10n * SECOND);
  first.runs("codex", "0.60");
  first.runs("hermes", "0.19.0");
  first.accepted("spans", 30_000);
  first.save();
  const second = createActivityFile(realDisk, path);
  second.heard("codex", 15n * SECOND);
  second.heard("hermes", 40n * SECOND);
  second.runs("hermes", "0.19.0");
  second.save();
  expect(readActivity(realDisk, path)).toEqual({
    agents: {
      codex: { lastEvent: "1970-01-01T00:00:20.000Z", version: "0.60" },
      hermes: { lastEvent: "1970-01-01T00:00:40.000Z", version: "0.19.0" },
    },
    accepted: { spans: "1970-01-01T00:00:30.000Z" },
  });
});

test.each(["", "{", "{}", '{"v":2,"agents":{},"accepted":{}}', '{"v":1,"agents":{"a":5},"accepted":{}}'])(
  "%j tells nothing, and is replaced",
  (text) => {
    const { activity: path } = tempState();
    writeFileSync(path, text);
    expect(readActivity(realDisk, path)).toEqual({ agents: {}, accepted: {} });
    const file = createActivityFile(realDisk, path);
    file.accepted("metrics", 0);
    file.save();
    expect(readActivity(realDisk, path).accepted).toEqual({ metrics: "1970-01-01T00:00:00.000Z" });
  },
);
