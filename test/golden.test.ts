import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { DELIVERIES, replayRecording } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";
import { drawTrees } from "./support/trace-tree.ts";

describe.each(recordedSessions())("$agent $folder", ({ path }) => {
  test.each(DELIVERIES)("delivered %s", async (delivery) => {
    const { spans, startNs } = await replayRecording(path, delivery);
    await expect(drawTrees(spans, startNs)).toMatchFileSnapshot(join(path, "expected.txt"));
  });
});
