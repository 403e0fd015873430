// The recipes of docs/context.md, run as they stand there, with the real hook and the real bridge. Only the agents are made up:
// programs of their names that call the hook as they do.
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

import { QUIET } from "../support/hook-tree.ts";
import { install, type Ended, type Installed } from "../support/installed.ts";
import type { OtlpSpan } from "../support/otlp-json.ts";
import { tempDirectory } from "../support/temp-state.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/context.md"), "utf8");

/** One turn of Claude Code without a terminal. */
const CLAUDE = `#!/bin/sh
export CLAUDE_PID=$$ CLAUDE_CODE_ENTRYPOINT=sdk-cli
hook() { printf '{"session_id":"%s","prompt_id":"p","hook_event_name":"%s","prompt":"x"}' "$SESSION" "$1" | sh "$HOOK" claude-code; }
hook UserPromptSubmit
hook Stop
`;

/** One turn of Codex, with the first line of its rollout. The id of the session is that of its process. */
const CODEX = `#!/bin/sh
[ "$1" = exec ] || exit 1
id=codex-$$
rollout=$ROLLOUTS/rollout-2026-11-21T10-00-00-$id.jsonl
meta='{"timestamp":"2026-11-21T10:00:00.000Z","type":"session_meta","payload":{"id":"%s","cli_version":"0.169.0","originator":"codex_exec","source":"exec"}}'
printf "$meta\\n" "$id" >"$rollout"
hook() { printf '{"session_id":"%s","turn_id":"t","transcript_path":"%s","hook_event_name":"%s"}' "$id" "$rollout" "$1" | sh "$HOOK" codex; }
hook SessionStart
hook UserPromptSubmit
hook Stop
`;

describe("GitHub Actions", () => {
  test("the agents of two jobs are in the trace of their workflow run, under its span", async () => {
    const installed = await install();
    const env = withAgents(installed, { GITHUB_RUN_ID: "11945236541", GITHUB_RUN_ATTEMPT: "2", CI: "true" });
    for (const job of ["one", "two"]) {
      const file = join(installed.tree.root, job);
      writeFileSync(file, "");
      for (const { run } of stepsOf(blockOf("yaml", "GITHUB_ENV"))) {
        const step = await inShell(["-e", "-c", run], { ...env, ...variablesIn(file), GITHUB_ENV: file, SESSION: job });
        expect(step).toEqual({ code: 0, stdout: "", stderr: "" });
      }
    }
    const runs = installed.spans().filter(({ name }) => name === "invoke_agent claude-code");
    // printf 119452365412t | sha256sum, and ...s, from place 17 on
    expect(runs.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
      ["67ca3398056a49eba3ae2fe4f07e0c32", "a19c4e6e4daebd25"],
      ["67ca3398056a49eba3ae2fe4f07e0c32", "a19c4e6e4daebd25"],
    ]);
    expect(new Set(runs.map(({ spanId }) => spanId)).size).toBe(2);
  });
});

describe("an agent that another agent starts", () => {
  test.each<[string, NodeJS.ProcessEnv]>([
    ["beside a bridge that lives", {}],
    ["with nothing folded yet", { HOOKSPAN_AUTOSTART: "0" }],
  ])("the line, %s: its run is under the call", async (_, more) => {
    const installed = await install();
    const env = withAgents(installed, more);
    await insideOfCall(installed, env, "c1", async () => {
      if (more["HOOKSPAN_AUTOSTART"] === undefined) await installed.bridge();
      expect(await inShell(["-c", blockOf("sh", "codex exec", "#!")], env)).toMatchObject({ code: 0, stderr: "" });
    });
    expect(placeOfInner(await sent(installed))).toBe("execute_tool Bash");
  });

  test("the script: the same", async () => {
    const installed = await install();
    const env = withAgents(installed, {});
    const script = program(installed, "review.sh", blockOf("sh", "#!/bin/sh"));
    await insideOfCall(installed, env, "c1", async () => {
      expect(await inShell([script, "Look."], env)).toMatchObject({ code: 0, stderr: "" });
    });
    expect(placeOfInner(await sent(installed))).toBe("execute_tool Bash");
  });

  test("the outer agent in the trace of a CI job: call and inner run too", async () => {
    const installed = await install();
    const [trace, span] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
    const around = { CI: "true", TRACEPARENT: `00-${trace}-${span}-01` };
    const env = withAgents(installed, around);
    await insideOfCall(installed, env, "c1", async () => {
      expect(await inShell(["-c", blockOf("sh", "codex exec", "#!")], env)).toMatchObject({ code: 0, stderr: "" });
    });
    const spans = await sent(installed);
    expect(placeOfInner(spans)).toBe("execute_tool Bash");
    const outer = spans.find(({ name }) => name === "invoke_agent claude-code");
    expect(outer).toMatchObject({ traceId: trace, parentSpanId: span });
  });

  test("Codex around Claude Code: found by the process that its hooks have for parent", async () => {
    const installed = await install();
    const env = withAgents(installed, { SESSION: "inner", HOOKSPAN_AUTOSTART: "0" });
    const base = {
      session_id: "outer",
      turn_id: "t",
      transcript_path: "/none/rollout-2026-11-21T10-00-00-outer.jsonl",
    };
    const call = { tool_name: "Bash", tool_use_id: "call_1", tool_input: {} };
    for (const more of [{ hook_event_name: "UserPromptSubmit" }, { hook_event_name: "PreToolUse", ...call }])
      expect(await installed.hook({ ...base, ...more }, env)).toEqual(QUIET);
    const line = blockOf("sh", "codex exec", "#!").replace("codex exec", "claude -p");
    expect(await inShell(["-c", line], env)).toMatchObject({ code: 0, stderr: "" });
    const spans = await sent(installed);
    const tool = spans.find(({ name }) => name === "execute_tool Bash");
    expect(spans.find(({ name }) => name === "invoke_agent codex")).toBeDefined();
    expect(spans.find(({ name }) => name === "invoke_agent claude-code")).toMatchObject({
      traceId: tool?.traceId,
      parentSpanId: tool?.spanId,
    });
  });

  test("two calls at once: its run is under the run that they have in common", async () => {
    const installed = await install();
    const env = withAgents(installed, {});
    await insideOfCall(installed, env, "c1", () =>
      insideOfCall(installed, env, "c2", async () => {
        expect(await inShell(["-c", blockOf("sh", "codex exec", "#!")], env)).toMatchObject({ code: 0, stderr: "" });
      }),
    );
    expect(placeOfInner(await sent(installed))).toBe("invoke_agent claude-code");
  });
});

describe("hookspan context", () => {
  test("where the agent's process is out of sight: by the session in the environment, or by name", async () => {
    const installed = await install();
    // A number that no process here has.
    const env = withAgents(installed, { CLAUDE_PID: String(2 ** 22 + 1), HOOKSPAN_AUTOSTART: "0" });
    await insideOfCall(installed, env, "c1", async () => {
      expect(await installed.run(["context"])).toMatchObject({ code: 1, stdout: "" });
      const hinted = await installed.run(["context"], { CLAUDE_CODE_SESSION_ID: "outer" });
      expect(hinted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01\n$/) });
      expect(await installed.run(["context", "--session", "outer"])).toEqual(hinted);
    });
  });

  test("outside of an agent: what was given to it, else nothing; and nothing is made", async () => {
    const installed = await install();
    const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    expect(await installed.run(["context"], { TRACEPARENT: given })).toEqual({
      code: 0,
      stdout: `${given}\n`,
      stderr: "",
    });
    expect(await installed.run(["context"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "hookspan: no agent that hooks tell of has started this\n",
    });
    expect(await installed.run(["context", "--session", "x"])).toMatchObject({
      code: 1,
      stderr: "hookspan: no session x of claude-code\n",
    });
    expect(await installed.run(["context", "--agent", "codex"])).toMatchObject({ code: 2 });
    expect(installed.spool()).toEqual([]);
  });
});

/** What Claude Code's hooks tell around a call; this process stands for Claude Code. */
async function insideOfCall(
  installed: Installed,
  env: NodeJS.ProcessEnv,
  callId: string,
  what: () => Promise<void>,
): Promise<void> {
  const hook = async (name: string, more: object): Promise<void> => {
    const payload = { session_id: "outer", prompt_id: "p", hook_event_name: name, ...more };
    expect(await installed.hook(payload, env)).toEqual(QUIET);
  };
  const call = { tool_name: "Bash", tool_use_id: callId, tool_input: {} };
  if (callId === "c1") await hook("UserPromptSubmit", { prompt: "Go." });
  await hook("PreToolUse", call);
  await what();
  await hook("PostToolUse", { ...call, tool_response: {} });
}

async function sent(installed: Installed): Promise<OtlpSpan[]> {
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  return installed.spans();
}

/** The name of the span that the inner agent's run is a child of, in one trace with it. */
function placeOfInner(spans: readonly OtlpSpan[]): string | undefined {
  const [inner, ...others] = spans.filter(({ name }) => name === "invoke_agent codex");
  expect(others).toEqual([]);
  const parent = spans.find(({ spanId }) => spanId === inner?.parentSpanId);
  expect(inner?.traceId).toBe(parent?.traceId);
  return parent?.name;
}

/** The environment of a user who has hookspan and both agents. */
function withAgents(installed: Installed, more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  program(installed, "claude", CLAUDE);
  program(installed, "codex", CODEX);
  program(installed, "hookspan", `#!/bin/sh\nexec "${process.execPath}" "$BUNDLE" "$@"\n`);
  const { hookFile, bundle } = installed.tree;
  const PATH = `${join(installed.tree.root, "bin")}:${String(installed.env["PATH"])}`;
  return { ...installed.env, PATH, HOOK: hookFile, BUNDLE: bundle, ROLLOUTS: tempDirectory(), ...more };
}

function program(installed: Installed, name: string, text: string): string {
  const path = join(installed.tree.root, "bin", name);
  mkdirSync(join(installed.tree.root, "bin"), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** The block of code on the page with these words, and without those. */
function blockOf(language: string, having: string, not?: string): string {
  const blocks = PAGE.split("```").filter((text, i) => i % 2 === 1 && text.startsWith(`${language}\n`));
  const found = blocks.filter((text) => text.includes(having) && (not === undefined || !text.includes(not)));
  expect(found).toHaveLength(1);
  return String(found[0]).slice(language.length + 1);
}

function stepsOf(yaml: string): { run: string }[] {
  return z.object({ steps: z.array(z.object({ run: z.string() })) }).parse(parse(yaml)).steps;
}

/** What steps have put into the environment of those that follow. */
function variablesIn(file: string): Record<string, string> {
  const lines = readFileSync(file, "utf8").split("\n");
  return Object.fromEntries(lines.filter((line) => line.includes("=")).map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

async function inShell(args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  try {
    return { code: 0, ...(await promisify(execFile)("sh", args, { env })) };
  } catch (error) {
    return z.object({ code: z.number(), stdout: z.string(), stderr: z.string() }).parse(error);
  }
}
