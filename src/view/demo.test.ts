// The demo around stand-ins for hook and program: what it makes of their failures. The real ones: test/process/demo.test.ts.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DemoOutcome, runDemo } from "./demo.ts";

const HOOK = `mkdir -p "$HOOKSPAN_HOME" && cat >"$HOOKSPAN_HOME/log"`;
const SENDS_A_RUN = `
  const span = { traceId: "aa", spanId: "bb", name: "invoke_agent x", startTimeUnixNano: "1", endTimeUnixNano: "2",
    attributes: [{ key: "gen_ai.operation.name", value: { stringValue: "invoke_agent" } }] };
  fetch(process.env.HOOKSPAN_ENDPOINT + "/v1/traces", { method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }) });`;

let dir = "";
let temporary: string | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hookspan-test-"));
  temporary = process.env["TMPDIR"];
  mkdirSync(join(dir, "tmp"));
  process.env["TMPDIR"] = join(dir, "tmp");
  const stdin = { transcript_path: "/home/user/.claude/projects/p/s.jsonl" };
  write("dist/recording/hooks.jsonl", `${JSON.stringify({ ts_ns: "1795196717000000000", event: "Stop", stdin })}\n`);
});

afterEach(() => {
  if (temporary === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = temporary;
  rmSync(dir, { recursive: true, force: true });
});

test.for<[string, string, string, DemoOutcome["status"], string]>([
  ["all is well", HOOK, SENDS_A_RUN, "done", "invoke_agent x"],
  ["a hook that fails", "echo broken >&2; exit 3", SENDS_A_RUN, "failed", "(exit code 3): broken"],
  ["a flush that fails", HOOK, "console.error('time is up'); process.exit(1)", "failed", "(exit code 1): time is up"],
  ["the bridge's log is told", HOOK, "process.exit(1)", "failed", 'log ends with:\n{"transcript_path"'],
  ["nothing arrives", HOOK, "", "failed", "no run arrived"],
])("%s", async ([, hook, program, status, words]) => {
  const { outcome, text } = await demo(hook, program, new AbortController().signal);
  expect(outcome.status).toBe(status);
  expect(outcome.status === "failed" ? outcome.reason : text).toContain(words);
  expect(readdirSync(join(dir, "tmp"))).toEqual([]);
});

test("stopped by the user", async () => {
  const { outcome } = await demo("exec sleep 60", SENDS_A_RUN, AbortSignal.timeout(50));
  expect(outcome).toEqual({ status: "failed", reason: "stopped" });
  expect(readdirSync(join(dir, "tmp"))).toEqual([]);
});

async function demo(
  hook: string,
  program: string,
  signal: AbortSignal,
): Promise<{ outcome: DemoOutcome; text: string }> {
  write("hooks/hookspan.sh", hook);
  const path = write("dist/hookspan.cjs", program);
  let text = "";
  const out = {
    write: (more: string) => {
      text += more;
    },
  };
  const outcome = await runDemo({
    program: path,
    path: process.env["PATH"] ?? "",
    json: false,
    color: false,
    out,
    signal,
  });
  return { outcome, text };
}

function write(file: string, content: string): string {
  const path = join(dir, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}
