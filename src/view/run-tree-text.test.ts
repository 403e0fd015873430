import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { Attributes } from "../trace/record.ts";
import type { ReceivedSpan } from "./otlp-json.ts";
import { createPaint } from "./paint.ts";
import type { TreeNode } from "./run-tree.ts";
import { renderRunTree, runTreeToJson } from "./run-tree-text.ts";

const run = node(
  "invoke_agent claude-code",
  2104,
  { "hookspan.run.outcome": "success", ...usage(81_934, 55_330, 402, 0.15093) },
  [
    node("chat claude-opus-5-5", 16, usage(17_909, 0, 120, 0.0919)),
    node("execute_tool Agent", 343, { "hookspan.tool.outcome": "success" }, [
      node("invoke_agent general-purpose", 245, {}, [
        node("execute_tool mcp__a_server_with_a_long_name__and_a_tool", 60_400, {
          "hookspan.tool.outcome": "denied",
        }),
        node("execute_tool Bash", 11, { "error.type": "exit_code" }, [], true),
      ]),
    ]),
  ],
);

test("a run: aligned, at most 100 columns, names that are too long cut", () => {
  const lines = renderRunTree(
    { kind: "run", traceId: "5c", sessionId: "8ca4fbb7-8a1c", roots: [run] },
    createPaint(false),
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    run · session 8ca4fbb7                    time        in    cached     out      cost  outcome
    invoke_agent claude-code                 2.1 s    81,934    55,330     402   $0.1509  success
    ├─ chat claude-opus-5-5                  16 ms    17,909         0     120   $0.0919
    └─ execute_tool Agent                   343 ms                                        success
       └─ invoke_agent general-purpose      245 ms
          ├─ execute_tool mcp__a_server_… 1 m 00 s                                        denied
          └─ execute_tool Bash               11 ms                                        exit_code
    "
  `);
});

test("late spans stand below the name of their place", () => {
  const late: TreeNode = {
    name: "execute_tool Agent",
    children: [node("invoke_agent Explore", 1750, {})],
  };
  const lines = renderRunTree({ kind: "late", traceId: "5c", sessionId: undefined, roots: [late] }, createPaint(false));
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    later, in a run above                     time        in    cached     out      cost  outcome
    execute_tool Agent (above)
    └─ invoke_agent Explore                  1.8 s
    "
  `);
});

test("a name with control characters cannot steer the terminal", () => {
  const evil = node("execute_tool \u001B[2J\u0007\n", 1, { "error.type": "\u001B[31m" }, [], true);
  const lines = renderRunTree(
    { kind: "trace", traceId: "5c", sessionId: "\u001B[", roots: [evil] },
    createPaint(false),
  );
  expect(lines.join("")).not.toMatch(/\p{Cc}/u);
});

test("colours change nothing but the colours", () => {
  const tree = { kind: "run" as const, traceId: "5c", sessionId: "8ca4fbb7", roots: [run] };
  const colored = renderRunTree(tree, createPaint(true)).join("\n");
  expect(colored).toContain("\u001B[31mexit_code\u001B[0m");
  expect(stripVTControlCharacters(colored)).toBe(renderRunTree(tree, createPaint(false)).join("\n"));
});

test("as JSON", () => {
  const tree = {
    kind: "run" as const,
    traceId: "5c",
    sessionId: "8ca4fbb7",
    roots: [node("chat m", 16, usage(9, 1, 2, 0.5))],
  };
  expect(JSON.parse(JSON.stringify(runTreeToJson(tree)))).toEqual({
    type: "run",
    trace_id: "5c",
    session_id: "8ca4fbb7",
    spans: [
      {
        name: "chat m",
        span_id: "id of chat m",
        start_ns: "1795196717000000000",
        duration_ms: 16,
        failed: false,
        input_tokens: 9,
        cached_tokens: 1,
        output_tokens: 2,
        cost_usd: 0.5,
        children: [],
      },
    ],
  });
});

function node(
  name: string,
  durationMs: number,
  attributes: Attributes,
  children: TreeNode[] = [],
  failed = false,
): TreeNode {
  const startNs = 1_795_196_717_000_000_000n;
  const span: ReceivedSpan = {
    traceId: "5c",
    spanId: `id of ${name}`,
    parentSpanId: undefined,
    remoteParent: false,
    name,
    startNs,
    endNs: startNs + BigInt(durationMs) * 1_000_000n,
    failed,
    attributes,
  };
  return { name, span, children };
}

function usage(input: number, cached: number, output: number, usd: number): Attributes {
  return {
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.cache_read.input_tokens": cached,
    "gen_ai.usage.output_tokens": output,
    "hookspan.cost.usd": usd,
  };
}
