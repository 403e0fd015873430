import { describe, expect, test } from "vitest";

import type { Envelope } from "../event/envelope.ts";
import { claudeCode } from "./claude-code.ts";
import { wrappedHook } from "./wrapped-hook.ts";

const AT_NS = 1_795_000_000_000_000_000n;
const CALL = { hook_event_name: "PreToolUse", tool_name: "Bash", tool_use_id: "toolu_1", prompt_id: "p" };
const TIMES = { began: "1794999999.250000000", ended: "1794999999,75" };

test("the run of a hook is of the session, the run and the call that its payload names", () => {
  expect(runOf({ ...TIMES, name: "guard", code: "0" })).toEqual({
    kind: "hook.ran",
    agent: "claude-code",
    sessionId: "s",
    runKey: "p",
    callId: "toolu_1",
    atNs: 1_794_999_999_750_000_000n,
    hookEvent: "PreToolUse",
    hookName: "guard",
    source: "unknown",
    status: "completed",
    durationMs: 500,
    id: "1.a",
  });
});

describe("status", () => {
  test.each([
    [{ code: "0" }, "completed"],
    [{ code: "1" }, "failed"],
    [{ code: "127" }, "failed"],
    [{ code: "255" }, "failed"],
    [{ code: "2" }, "blocked"],
    [{ code: "0", decision: "block" }, "blocked"],
    [{ code: "1", decision: "block" }, "failed"],
    [{ code: "137" }, "failed"],
    [{ code: "143", decision: "stop" }, "failed"],
    [{ code: "2", decision: "stop" }, "blocked"],
    [{ code: "0", decision: "stop" }, "stopped"],
    [{}, "failed"],
  ])("%j is %s", (wrap, status) => {
    expect(runOf(wrap)).toMatchObject({ status });
  });
});

describe("source", () => {
  test.each([
    [{ source: "system", settings: "/home/u/.claude/settings.json" }, "system"],
    [{ source: "mine" }, "unknown"],
    [{ settings: "/etc/claude-code/managed-settings.json" }, "system"],
    [{ settings: "/Library/Application Support/ClaudeCode/managed-settings.json" }, "system"],
    [{ settings: String.raw`C:\Program Files\ClaudeCode\managed-settings.json` }, "system"],
    [{ settings: "/home/u/.claude/settings.json" }, "user"],
    [{ settings: "~/.codex/hooks.json" }, "user"],
    [{ settings: "/home/u/work/p/.claude/settings.local.json" }, "project"],
    [{ settings: ".claude/settings.json" }, "project"],
    [{ settings: "/home/u/work/other/.claude/settings.json" }, "unknown"],
    [{ settings: "/home/u/.claude/../work/.claude/settings.json" }, "unknown"],
    [{ settings: "/opt/x/hooks.json" }, "unknown"],
    [{}, "unknown"],
  ])("%j is %s", (wrap, source) => {
    expect(runOf({ code: "0", home: "/home/u", ...wrap })).toMatchObject({ source });
  });
});

test("without a clock there is no duration, and a clock ahead moves nothing into the future", () => {
  expect(runOf({ code: "0", began: "1794999999.%N", ended: "" })).not.toHaveProperty("durationMs");
  expect(runOf({ code: "0", began: "1795000001.5", ended: "1795000000.5" })).not.toHaveProperty("durationMs");
  expect(runOf({ code: "0", began: "1795000001.5", ended: "1795000002.5" })).toMatchObject({
    atNs: AT_NS,
    durationMs: 1000,
  });
});

test("a name that is no name goes nowhere", () => {
  expect(runOf({ code: "0", name: "TOKEN=abc ./x $(y)" })).toMatchObject({ hookName: "unknown" });
  expect(runOf({ code: "0", name: "x".repeat(65) })).toMatchObject({ hookName: "unknown" });
});

test("what is no wrapper's envelope tells of no run", () => {
  expect(wrappedHook({ ...envelopeOf({}), wrap: {} }, [])).toBeUndefined();
  const { wrap: _, ...plain } = envelopeOf({});
  expect(wrappedHook(plain, eventsOf(plain))).toBeUndefined();
});

describe("the transcript's word on a wrapped run is not told again", () => {
  const attachment = { type: "hook_success", hookEvent: "PreToolUse", toolUseID: "toolu_1", durationMs: 3 };
  test.each([
    ["/home/u/hooks/hookspan-wrap.sh --event PreToolUse -- ./guard.sh", 0],
    [`"/home/u/my hooks/hookspan-wrap.sh" --event PreToolUse -- ./guard.sh`, 0],
    ["hookspan wrap --event PreToolUse -- ./guard.sh", 0],
    ["node /x/dist/hookspan.cjs wrap --event PreToolUse -- ./guard.sh", 0],
    ["./guard.sh hookspan-wrap", 1],
    ["./gift.sh wrap", 1],
  ])("%s", (command, runs) => {
    const line = JSON.stringify({
      type: "attachment",
      uuid: "u",
      sessionId: "s",
      timestamp: "2026-11-18T00:00:00.000Z",
      attachment: { ...attachment, command },
    });
    const { events } = claudeCode.decodeLine?.(line, { sessionId: "s", file: "f", decoder: undefined }) ?? {
      events: [],
    };
    expect(events.filter(({ kind }) => kind === "hook.ran")).toHaveLength(runs);
  });
});

function runOf(wrap: Record<string, string>) {
  const envelope = envelopeOf(wrap);
  return wrappedHook(envelope, eventsOf(envelope));
}

function eventsOf(envelope: Envelope) {
  const decoded = claudeCode.decode(envelope);
  return decoded.status === "decoded" ? decoded.events : [];
}

function envelopeOf(wrap: Record<string, string>): Envelope {
  const payload = Buffer.from(JSON.stringify({ session_id: "s", ...CALL }));
  const head = { id: "1.a", agent: "claude-code", event: "PreToolUse", timeNs: AT_NS, cwd: "/home/u/work/p/src" };
  return { ...head, env: {}, wrap, payload };
}
