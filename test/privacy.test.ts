// With capture off, nothing that a person or a program wrote leaves the machine. Held against what the real exporter really
// sent: no 16 characters in a row of any prompt, answer, tool input, tool output, error, title, command or path.
import { hostname, tmpdir, userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import * as z from "zod";

import { replayRecording } from "./support/recorded-session.ts";
import { recordedInputs, recordedSessions } from "./support/recordings.ts";
import { connect } from "./support/otlp-exporter.ts";
import type { Config } from "../src/config/config.ts";

const WINDOW = 16;

/** Nothing with a blank in it is an id or a word of a list. */
const ONE_WORD = /^[\w.@:-]{1,96}$/;

/**
 * What is sent on purpose, by the key under which payload or transcript has it. None of it is written by a user or by a
 * program's output: ids are random and are what traces are searched by; the others are words of a short list.
 */
const ON_PURPOSE = new Map([
  ["session_id", "a random id; session.id of every span"],
  ["prompt_id", "a random id; tells the turns of a session apart"],
  ["agent_id", "a random id; tells subagents of one type apart"],
  ["tool_use_id", "a random id; the call's id, as the model's API gave it"],
  ["turn_id", "a random id, of a turn"],
  ["call_id", "a random id, of a call, as the model's API gave it"],
  ["response_id", "a random id, of a response; by it a trace is matched with the provider's logs"],
  ["id", "a random id, of a message; by it a trace is matched with the provider's logs"],
  ["requestId", "a random id; by it the provider's support finds a request"],
  ["codex_error_info", "a word of the client's list of failures"],
  ["model", "the name of a model; cost and tokens mean nothing without it"],
  ["tool_name", "the name of a tool; never its input"],
  ["agent_type", "the name of a kind of subagent"],
  ["turn_id", "a random id; tells the turns of a session apart"],
  ["parent_turn_id", "the same, of the turn that launched a subagent"],
  ["child_session_id", "a random id; tells subagents apart"],
  ["tool_call_id", "a random id; the call's id, as the model's API gave it"],
  ["subagent_id", "a kind of helper and a random id; tells the client's own helpers apart"],
  ["subagent_type", "the name of a kind of helper"],
  ["api_request_id", "a random id; all attempts of a model call share it"],
  ["sessionID", "a random id; session.id of every span"],
  ["sessionId", "the same, of a subagent's session"],
  ["generation_id", "a random id; tells the turns of a session apart"],
  ["callID", "a random id; the call's id, as the model's API gave it"],
  ["turn", "a random id; tells the turns of a session apart"],
  ["message", "a random id; all attempts of a model call share it"],
  ["permission_mode", "one of the client's six modes"],
  ["reason", "one of the client's five reasons for the end of a session"],
]);

/** Gemini CLI repeats the prompt at the end of its turn; Qwen Code's hook runs again, with an empty one, after tools. */
const prompted = z.looseObject({
  hook_event_name: z.string().refine((event) => event !== "AfterAgent"),
  prompt: z.string().min(1),
});
/** Our own event, by which any tool can join. */
const started = z.looseObject({ event: z.literal("run.start"), prompt: z.string() });
/** Hermes: what a parent asks of a subagent is no prompt of a user. */
const asked = z.looseObject({
  hook_event_name: z.literal("pre_llm_call"),
  extra: z.looseObject({
    user_message: z.string(),
    platform: z.string().refine((platform) => platform !== "subagent"),
    telemetry_schema_version: z.string(),
  }),
});
/** OpenCode: likewise. */
const sentIn = z.looseObject({
  event: z.literal("chat.message"),
  data: z.looseObject({ parts: z.array(z.looseObject({ text: z.string() })) }),
  context: z.looseObject({ child: z.undefined().optional() }),
});
const messages = z.tuple([z.looseObject({ parts: z.tuple([z.looseObject({ content: z.string() })]) })]);

describe.each(recordedSessions())("$agent $folder", ({ path }) => {
  test("capture off: nothing of the contents is sent", async () => {
    const sent = await sentStrings(path, "none");
    expect(leaksIn(sent, path)).toEqual([]);
    const places = [hostname(), tmpdir(), userInfo().homedir, "/home/user"].filter((one) => one.length > 3);
    expect(sent.filter((text) => places.some((place) => text.includes(place)))).toEqual([]);
  });

  test.for([
    ["preview", { "gen_ai.input.messages": 200, "gen_ai.output.messages": 500, ...tool(500) }],
    ["full", { "gen_ai.input.messages": 60_000, "gen_ai.output.messages": 60_000, ...tool(60_000) }],
  ] as const)("capture %s: contents are sent, and bounded", async ([capture, bounds]) => {
    const { spans } = await replayRecording(path, "as in life", { capture });
    const contents = spans.flatMap(({ attributes }) => Object.entries(attributes).filter(([name]) => name in bounds));
    for (const [name, bound] of Object.entries(bounds)) {
      const texts = contents.filter(([of]) => of === name).map(([of, value]) => contentOf(of, value));
      expect(Math.max(0, ...texts.map((text) => Array.from(text).length))).toBeLessThanOrEqual(bound);
    }
    const prompts = contents
      .filter(([name]) => name === "gen_ai.input.messages")
      .map(([name, value]) => contentOf(name, value));
    const typed = promptsOf(path);
    expect(prompts.map(beginning).sort()).toEqual(typed.map(beginning).sort());
  });
});

test("the search finds what is sent", async () => {
  const [path = ""] = recordedSessions("claude-code").flatMap((one) =>
    one.folder === "08-permissions" ? one.path : [],
  );
  const sent = await sentStrings(path, "preview");
  expect(leaksIn(sent, path)).toContain("[[thread:main]] ");
});

function leaksIn(sent: readonly string[], path: string): string[] {
  const windows = windowsOf(sent, valuesOf(path));
  const leaks = contentsOf(path).flatMap((text) => windowsIn(text).filter((window) => windows.has(window)));
  return [...new Set(leaks)];
}

function tool(bound: number): Record<string, number> {
  return { "gen_ai.tool.call.arguments": bound, "gen_ai.tool.call.result": bound };
}

/** A message's text; of a tool's arguments and result the whole. */
function contentOf(name: string, value: unknown): string {
  if (!name.endsWith(".messages")) return String(value);
  return messages.parse(JSON.parse(String(value)))[0].parts[0].content;
}

function promptsOf(path: string): string[] {
  const { payloads } = recordedInputs(path);
  return payloads.flatMap(
    (one) =>
      prompted.safeParse(one).data?.prompt ??
      started.safeParse(one).data?.prompt ??
      asked.safeParse(one).data?.extra.user_message ??
      sentIn
        .safeParse(one)
        .data?.data.parts.map(({ text }) => text)
        .join("\n") ??
      [],
  );
}

/** So far into a prompt there is no path, which a replay puts another in place of. */
function beginning(prompt: string): string {
  return prompt.slice(0, 60);
}

async function sentStrings(path: string, capture: Config["capture"]): Promise<string[]> {
  await using pair = await connect();
  await replayRecording(path, "as in life", { capture, through: pair.exporter });
  return pair.recorder.requests.flatMap(({ body }) => stringsIn(body));
}

function contentsOf(path: string): string[] {
  return [...new Set(inputsOf(path).flatMap(stringsIn))];
}

/** All that came in: every payload and every line of every transcript. */
function inputsOf(path: string): unknown[] {
  const { payloads, lines } = recordedInputs(path);
  return [...payloads, ...lines];
}

/** The values that are sent on purpose. */
function valuesOf(path: string): Set<string> {
  const values = new Set<string>();
  for (const one of inputsOf(path)) {
    visit(one, (value, key) => {
      if (ON_PURPOSE.has(key) && ONE_WORD.test(value)) values.add(value);
    });
  }
  return values;
}

/** Windows of what was sent, without the words that are values sent on purpose. */
function windowsOf(texts: readonly string[], known: ReadonlySet<string>): Set<string> {
  const rest = texts.map((text) =>
    text
      .split(" ")
      .filter((word) => !known.has(word))
      .join(" "),
  );
  return new Set(rest.flatMap(windowsIn));
}

function windowsIn(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - WINDOW + 1) }, (_, at) => text.slice(at, at + WINDOW));
}

function stringsIn(value: unknown): string[] {
  const strings: string[] = [];
  visit(value, (text) => strings.push(text));
  return strings;
}

function visit(value: unknown, each: (text: string, key: string) => void, key = ""): void {
  if (typeof value === "string") return each(value, key);
  if (typeof value !== "object" || value === null) return;
  for (const [name, one] of Object.entries(value)) visit(one, each, name);
}
