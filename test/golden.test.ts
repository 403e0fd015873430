import { readdirSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { DELIVERIES, replayRecording } from "./support/recorded-session.ts";
import { drawTrees } from "./support/trace-tree.ts";

const RECORDINGS = join(import.meta.dirname, "recordings", "claude-code");
const FOLDERS = readdirSync(RECORDINGS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe.each(FOLDERS)("%s", (folder) => {
  test.each(DELIVERIES)("delivered %s", async (delivery) => {
    const { spans, startNs } = await replayRecording(join(RECORDINGS, folder), delivery);
    await expect(drawTrees(spans, startNs)).toMatchFileSnapshot(join(RECORDINGS, folder, "expected.txt"));
  });
});
