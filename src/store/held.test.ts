import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { spanBatch } from "../../test/support/span-batch.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { dueEarly, heldFiles, heldNames, listHeld, releasedFiles, releaseMoves } from "./held.ts";
import type { HeldFile } from "./held.ts";
import { decodeBatch } from "./span-batch.ts";

const [A, B] = ["a".repeat(32), "b".repeat(32)];
const SECOND_NS = 1_000_000_000n;

test("files of one commit have names of their own, also where a trace comes twice", () => {
  const files = heldFiles([spanBatch("a", 600), spanBatch("b", 1), spanBatch("a", 1, { agentVersion: "2" })], 9);
  expect(files.map(({ file }) => file)).toEqual([
    `${A}.9.0.512.json`,
    `${A}.9.1.88.json`,
    `${B}.9.0.1.json`,
    `${A}.9.2.1.json`,
  ]);
});

test("names say all there is to know; other files are no held files", () => {
  const { held } = tempState();
  for (const { file, text } of heldFiles([spanBatch("a", 3)], 7)) writeFileSync(join(held, file), text);
  writeFileSync(join(held, `${A}.7.0.3.json.tmp`), "");
  writeFileSync(join(held, "notes"), "");
  expect(heldNames(realDisk, held)).toEqual([{ file: `${A}.7.0.3.json`, traceId: A, seq: 7, part: 0, spans: 3 }]);
  expect(listHeld(realDisk, held)).toHaveLength(1);
});

test.each<[string, Partial<HeldFile>[], string[]]>([
  ["nothing held", [], []],
  ["little and young", [{}, { traceId: B }], []],
  ["512 spans in two files", [{ spans: 500 }, { spans: 12 }], [A]],
  ["512 spans in two traces", [{ spans: 500 }, { spans: 12, traceId: B }], []],
  ["1 MB", [{ sizeBytes: 600_000 }, { sizeBytes: 400_000 }], [A]],
  ["one old file among young ones", [{ traceId: B }, { mtimeNs: 399n * SECOND_NS, traceId: B }, {}], [B]],
  ["exactly ten minutes", [{ mtimeNs: 400n * SECOND_NS }], []],
])("early release of %s", (_, files, expected) => {
  const usual = { file: "f", traceId: A, seq: 1, part: 0, spans: 1, sizeBytes: 1, mtimeNs: 1000n * SECOND_NS };
  expect(
    dueEarly(
      files.map((file) => ({ ...usual, ...file })),
      1000n * SECOND_NS,
    ),
  ).toEqual(expected);
});

test("a release moves all files of its traces, oldest first, and no other", () => {
  const names = [...heldFiles([spanBatch("a", 1)], 10), ...heldFiles([spanBatch("b", 1), spanBatch("a", 600)], 9)];
  expect(releaseMoves(names, [A, A], 12)).toEqual([
    { from: `${A}.9.0.512.json`, to: `000000000012.${A}.00000.512.json` },
    { from: `${A}.9.1.88.json`, to: `000000000012.${A}.00001.88.json` },
    { from: `${A}.10.0.1.json`, to: `000000000012.${A}.00002.1.json` },
  ]);
});

test("what one commit finishes and releases shares files: by agent and version, within the bounds, after what was held", () => {
  const batches = [spanBatch("a", 300), spanBatch("c", 1, { agentVersion: "2" }), spanBatch("b", 300)];
  const files = releasedFiles(batches, 12);
  const several = "f".repeat(32);
  expect(files.map(({ file }) => file)).toEqual([
    `000000000012.${several}.00000.512.json`,
    `000000000012.${several}.00001.88.json`,
    `000000000012.${several}.00002.1.json`,
  ]);
  const decoded = files.map(({ text }) => decodeBatch(JSON.parse(text)));
  expect(decoded.map(({ agentVersion, traceId }) => [agentVersion, traceId])).toEqual([
    ["1", several],
    ["1", several],
    ["2", several],
  ]);
  expect(decoded.flatMap(({ spans }) => spans)).toEqual([0, 2, 1].flatMap((i) => batches[i]?.spans ?? []));
  const [held] = releaseMoves(heldFiles([spanBatch("e", 1)], 11), ["e".repeat(32)], 12);
  expect(held?.to.localeCompare(files[0]?.file ?? "")).toBe(-1);
});
