import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { readMeta, subagentFiles } from "./subagent-file.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hookspan-subagent-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

test.for([
  ["a subagent", "/p/s-1.jsonl", "s-1", "a1", ["/p/s-1/subagents/agent-a1.jsonl", "/p/agent-a1.jsonl"]],
  ["an agent id with a slash", "/p/s-1.jsonl", "s-1", "../a1", []],
  ["an agent id with a dot", "/p/s-1.jsonl", "s-1", "a.1", []],
  ["an empty agent id", "/p/s-1.jsonl", "s-1", "", []],
  ["an endless agent id", "/p/s-1.jsonl", "s-1", "a".repeat(129), []],
  ["a session id that leads elsewhere", "/p/s-1.jsonl", "..", "a1", []],
  ["a relative transcript", "p/s-1.jsonl", "s-1", "a1", []],
] as const)("the files of %s", ([, transcript, sessionId, agentId, files]) => {
  expect(subagentFiles(transcript, sessionId, agentId)).toEqual(files);
});

test.for([
  ["a recorded one", '{"agentType":"Explore","toolUseId":"toolu_01","spawnDepth":1}', { toolUseId: "toolu_01" }],
  [
    "one of a nested subagent",
    '{"toolUseId":"toolu_01","parentAgentId":"a0"}',
    { toolUseId: "toolu_01", parentAgentId: "a0" },
  ],
  ["one without a link", '{"agentType":"Explore"}', {}],
  ["half a one", '{"toolUseId":"tool', undefined],
  ["one of another type", '{"toolUseId":7}', undefined],
  ["a list", "[1]", undefined],
  ["one above the bound", `{"toolUseId":"toolu_01","x":"${"x".repeat(65_536)}"}`, undefined],
] as const)("reads %s", ([, content, meta]) => {
  writeFileSync(join(directory, "agent-a1.meta.json"), content);
  expect(readMeta(join(directory, "agent-a1.jsonl"))).toEqual(meta);
});

test("no file, and no regular one", () => {
  mkdirSync(join(directory, "agent-a2.meta.json"));
  expect([readMeta(join(directory, "agent-a1.jsonl")), readMeta(join(directory, "agent-a2.jsonl"))]).toEqual([
    undefined,
    undefined,
  ]);
});

test("what is no transcript has no meta", () => {
  const file = join(directory, "agent-a1.meta.json");
  writeFileSync(file, '{"toolUseId":"toolu_01"}');
  copyFileSync(file, join(directory, "agent-a1"));
  expect(readMeta(join(directory, "agent-a1"))).toBeUndefined();
});
