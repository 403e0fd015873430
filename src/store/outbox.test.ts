import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { Crash, crashingDisk } from "../../test/support/faulty-disk.ts";
import { spanBatch } from "../../test/support/span-batch.ts";
import { tempState } from "../../test/support/temp-state.ts";
import type { SpanBatch } from "../trace/record.ts";
import { realDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { outboxName } from "./outbox-name.ts";
import { createOutbox } from "./outbox.ts";
import type { Outbox } from "./outbox.ts";
import { createQuarantine } from "./quarantine.ts";
import { encodeBatch } from "./span-batch.ts";
import { enforceSpanBounds } from "./span-bounds.ts";
import type { StateDirectory } from "./state-directory.ts";

type Put = [seq: number, n: string, batch: SpanBatch];
const DAY_NS = 86_400n * 1_000_000_000n;

test.each<[string, Put[], string[]]>([
  ["nothing", [], []],
  [
    "files of one trace go together",
    [
      [1, "00000", spanBatch("a", 2)],
      [1, "00001", spanBatch("a", 3)],
    ],
    ["a5"],
  ],
  [
    "traces apart, oldest first",
    [
      [10, "00000", spanBatch("a", 1)],
      [9, "00000", spanBatch("b", 2)],
    ],
    ["b2", "a1"],
  ],
  [
    "files of several traces go together, apart from one of a single trace",
    [
      [1, "00000", spanBatch("f", 2)],
      [1, "00000", spanBatch("a", 1)],
      [2, "00000", spanBatch("f", 3)],
    ],
    ["a1", "f5"],
  ],
  [
    "at most 512 spans",
    [
      [1, "00000", spanBatch("a", 512)],
      [1, "00001", spanBatch("a", 1)],
    ],
    ["a512", "a1"],
  ],
  [
    "at most 1 MB",
    [
      [1, "00000", large(2)],
      [1, "00001", large(1)],
    ],
    ["a2", "a1"],
  ],
  [
    "versions of an agent apart",
    [
      [1, "00000", spanBatch("a", 1)],
      [1, "00001", spanBatch("a", 1, { agentVersion: "2" })],
    ],
    ["a1", "a1"],
  ],
  [
    "what was set apart, alone",
    [
      [1, "00000x", spanBatch("a", 1)],
      [1, "00001", spanBatch("a", 1)],
      [1, "00002", spanBatch("a", 1)],
    ],
    ["a1", "a2"],
  ],
])("sends: %s", (_, files, expected) => {
  const { directory, outbox } = setUp();
  for (const file of files) put(directory, ...file);
  expect([...outbox.sends()].map(({ batch }) => `${batch.traceId[0]}${batch.spans.length}`)).toEqual(expected);
});

test("what is acknowledged is gone, the rest stays", () => {
  const { directory, outbox } = setUp();
  put(directory, 1, "00000", spanBatch("a", 2));
  put(directory, 1, "00001", spanBatch("a", 2));
  put(directory, 2, "00000", spanBatch("b", 1));
  for (const send of outbox.sends()) {
    outbox.ack(send);
    break;
  }
  expect(traces(outbox)).toEqual(["b"]);
  expect(outbox.usage()).toMatchObject({ items: 1 });
});

test("a bad file goes to quarantine and stops nothing; a newer one waits; drafts go", () => {
  const { directory, outbox } = setUp();
  const [torn, newer, draft] = [1, 2, 3].map((seq) =>
    outboxName({ seq, traceId: "c".repeat(32), n: "00000", spans: 1 }),
  );
  writeFileSync(join(directory.outbox, String(torn)), '{"v":1,');
  writeFileSync(join(directory.outbox, String(newer)), '{"v":9}');
  writeFileSync(join(directory.outbox, `${draft}.tmp`), "");
  put(directory, 4, "00000", spanBatch("a", 1));
  expect(traces(outbox)).toEqual(["a"]);
  expect(realDisk.names(directory.quarantine)).toEqual([torn?.replace(".json", ".corrupt-outbox.evt")]);
  expect(realDisk.names(directory.outbox)).toHaveLength(2);
});

describe("isolate", () => {
  test.each([1, 2, 7, 512])("of %i spans in three files, one of them bad: the others get through", (count) => {
    const { directory, outbox } = setUp();
    const bad = 5 % count;
    put(directory, 1, "00000", spanBatch("a", count));
    put(directory, 1, "00001", spanBatch("a", 1, { from: 1000 }));
    put(directory, 1, "00002", spanBatch("a", 1, { from: 1001 }));
    const accepted = sendAll(outbox, (batch) => !batch.spans.some(({ spanId }) => Number.parseInt(spanId, 16) === bad));
    expect(accepted).toHaveLength(count + 1);
    expect(new Set(accepted).size).toBe(count + 1);
    expect(realDisk.names(directory.outbox)).toEqual([]);
    expect(realDisk.names(directory.quarantine)).toHaveLength(1);
    expect(realDisk.names(directory.quarantine)[0]).toContain(".1.refused-by-the-collector.evt");
  });

  test("a Collector that takes 100 spans at a time gets them all, once, in order", () => {
    const { directory, outbox } = setUp();
    put(directory, 1, "00000", spanBatch("a", 300));
    put(directory, 1, "00001", spanBatch("a", 200, { from: 300 }));
    const accepted = sendAll(outbox, (batch) => batch.spans.length <= 100);
    expect(accepted).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  test.each(["before", "after"] as const)("killed %s any one call, every span is there once", (when) => {
    for (let at = 0; ; at += 1) {
      const { directory } = setUp();
      put(directory, 1, "00000", spanBatch("a", 3));
      put(directory, 1, "00001", spanBatch("a", 2, { from: 3 }));
      const disk = crashingDisk(realDisk, at, when);
      attempt(() => sendAll(outboxOn(disk, directory), () => false, 3));
      const left = [...outboxOn(realDisk, directory).sends()].flatMap(({ batch }) =>
        batch.spans.map(({ spanId }) => Number(spanId)),
      );
      expect(left, `killed ${when} call ${at}`).toEqual([0, 1, 2, 3, 4]);
      if (!disk.hasCrashed()) break;
    }
  });
});

test.each<[string, bigint, number, string[], string[]]>([
  ["within the bounds", 0n, 1e6, ["a", "b"], []],
  ["too old", 15n * DAY_NS, 1e6, [], ["outbox_old", "outbox_old"]],
  ["too much: the oldest goes", 0n, 500, ["b"], ["outbox_full"]],
])("bounds: %s", (_, laterNs, outboxBytes, left, reasons) => {
  const { directory, outbox } = setUp();
  put(directory, 1, "00000", spanBatch("a", 1));
  put(directory, 2, "00000", spanBatch("b", 1));
  const nowNs = realDisk.facts(directory.outbox).mtimeNs + laterNs;
  for (const [i, file] of realDisk.names(directory.outbox).sort().entries()) {
    realDisk.setTime(
      join(directory.outbox, file),
      realDisk.facts(directory.outbox).mtimeNs - BigInt(10 - i) * 1_000_000_000n,
    );
  }
  const dropped = enforceSpanBounds(realDisk, directory, { outboxBytes, ageMs: 14 * 86_400_000 }, nowNs);
  expect(dropped).toEqual(reasons.map((reason) => ({ reason, spans: 1 })));
  expect(traces(outbox)).toEqual(left);
});

/** Lets the process of a crashing disk die. */
function attempt(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    const causes = [error, error instanceof Error && error.cause];
    if (!causes.some((cause) => cause instanceof Crash)) throw error;
  }
}

/** Sends until nothing is left (or so many rounds), taking apart what the Collector does not accept. Returns span numbers. */
function sendAll(outbox: Outbox, accepts: (batch: SpanBatch) => boolean, rounds = 2000): number[] {
  const accepted: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [send] = outbox.sends();
    if (send === undefined) break;
    if (accepts(send.batch)) {
      accepted.push(...send.batch.spans.map(({ spanId }) => Number.parseInt(spanId, 16)));
      outbox.ack(send);
    } else outbox.isolate(send, "Refused by the Collector");
  }
  return accepted;
}

function traces(outbox: Outbox): (string | undefined)[] {
  return [...outbox.sends()].map(({ batch }) => batch.traceId[0]);
}

function large(spans: number): SpanBatch {
  return spanBatch("a", spans, { text: "x".repeat(400_000) });
}

function put(directory: StateDirectory, seq: number, n: string, batch: SpanBatch): void {
  const name = outboxName({ seq, traceId: batch.traceId, n, spans: batch.spans.length });
  const [file] = encodeBatch(batch);
  writeFileSync(join(directory.outbox, name), file?.text ?? "");
}

function setUp(): { directory: StateDirectory; outbox: Outbox } {
  const directory = tempState();
  return { directory, outbox: outboxOn(realDisk, directory) };
}

function outboxOn(disk: Disk, directory: StateDirectory): Outbox {
  const quarantine = createQuarantine(disk, directory.quarantine, { quarantineBytes: 1e6, ageMs: 1e9 });
  return createOutbox({ disk, quarantine }, directory.outbox);
}
