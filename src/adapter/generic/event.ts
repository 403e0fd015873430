/**
 * hookspan's own event, for any tool: one JSON object for each call of the hook. `docs/generic-event.schema.json` is written from
 * here. Fields that are not named here are harmless; what is named and has another shape, is refused with the field's name.
 */

import * as z from "zod";

/** What leaves the machine has no blanks in it: a name, not a text. */
const name = z.string().regex(/^\S{1,128}$/);
const id = z.string().min(1).max(256);
const word = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/);
const tokens = z.int().min(0).max(1e12).describe("disjoint from the other kinds");
const milliseconds = z.number().min(0).max(1e10);
const time = z
  .union([z.number().min(0).max(1e14), z.iso.datetime({ offset: true })])
  .describe("milliseconds since the epoch, or RFC 3339; not after the call of the hook, and within the day before it");
const content = z.unknown().optional().describe("leaves the machine only where capture is on");

const base = {
  session: z.string().min(1).max(512),
  agent: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .optional()
    .describe("name of the tool; not one that hookspan knows itself"),
  run: id.optional().describe("id of the turn, where there is one"),
  subagent: id.optional().describe("the subagent that it happened in"),
  time: time.optional().describe("when it happened, if not now"),
  cwd: z.string().max(4096).optional(),
};

const ended = {
  outcome: z.enum(["success", "error", "interrupted"]).optional(),
  error_type: word.optional(),
};

const sessionStart = z.looseObject({
  event: z.literal("session.start"),
  ...base,
  source: z.enum(["startup", "resume", "clear"]).optional(),
  version: z
    .string()
    .regex(/^\S{1,64}$/)
    .optional(),
});
const sessionEnd = z.looseObject({ event: z.literal("session.end"), ...base, reason: word.optional() });
const runStart = z.looseObject({
  event: z.literal("run.start"),
  ...base,
  trigger: z.enum(["user", "task", "schedule"]).optional(),
  prompt: z.string().optional().describe("leaves the machine only where capture is on"),
});
const runEnd = z.looseObject({
  event: z.literal("run.end"),
  ...base,
  ...ended,
  response: z.string().optional().describe("leaves the machine only where capture is on"),
});
const toolCall = {
  tool: name,
  call: id.optional().describe("id of the call; without one, starts and ends are paired by tool and input"),
  mcp_server: name.optional(),
  input: content,
};
const toolStart = z.looseObject({ event: z.literal("tool.start"), ...base, ...toolCall });
const toolEnd = z.looseObject({
  event: z.literal("tool.end"),
  ...base,
  ...toolCall,
  outcome: z.enum(["success", "error", "denied", "blocked", "cancelled", "unknown"]).optional(),
  error_type: word.optional(),
  exit_code: z.int().min(-1024).max(1e9).optional(),
  duration_ms: milliseconds.optional(),
  output: content,
});
const modelCall = z.looseObject({
  event: z.literal("model.call"),
  ...base,
  model: name,
  id: id.optional().describe("the provider's id of the answer: each counts once"),
  request: id.optional().describe("what all attempts of one call share"),
  provider: name.optional(),
  response_model: name.optional(),
  duration_ms: milliseconds.optional(),
  finish_reason: word.optional(),
  purpose: word.optional().describe("of a call for the tool's own purposes: title, summary, ..."),
  error_type: word.optional().describe("the call failed"),
  usage: z
    .looseObject({
      input: tokens.optional(),
      cache_read: tokens.optional(),
      cache_write: tokens.optional(),
      output: tokens.optional(),
      reasoning: tokens.optional(),
    })
    .optional()
    .describe("input without what came from or went into the cache, output without reasoning"),
  cost_usd: z.number().min(0).max(1e9).optional().describe("without it, the price table estimates"),
});
const subagentStart = z.looseObject({
  event: z.literal("subagent.start"),
  ...base,
  subagent: id,
  type: name,
  child_session: z.string().min(1).max(512).optional().describe("the session of its own that the subagent has"),
});
const subagentEnd = z.looseObject({
  event: z.literal("subagent.end"),
  ...base,
  ...ended,
  subagent: id,
  type: name.optional(),
  call: id.optional().describe("the tool call that launched it"),
});
const hookRun = z.looseObject({
  event: z.literal("hook.run"),
  ...base,
  hook_event: name,
  hook_name: name,
  source: z.enum(["system", "user", "project", "unknown"]).optional(),
  status: z.enum(["completed", "failed", "stopped", "blocked"]),
  duration_ms: milliseconds.optional(),
  call: id.optional(),
});
const trigger = z.enum(["manual", "auto"]).optional();
const compactionStart = z.looseObject({ event: z.literal("compaction.start"), ...base, trigger });
const compactionEnd = z.looseObject({ event: z.literal("compaction.end"), ...base, trigger });

export const genericEvent = z.discriminatedUnion("event", [
  sessionStart,
  sessionEnd,
  runStart,
  runEnd,
  toolStart,
  toolEnd,
  modelCall,
  subagentStart,
  subagentEnd,
  hookRun,
  compactionStart,
  compactionEnd,
]);

/** Of an event that is not in the list: known too little of to refuse it. */
export const anyEvent = z.looseObject({ event: name, session: base.session });

export type GenericEvent = z.output<typeof genericEvent>;
export type GenericModelCall = z.output<typeof modelCall>;
