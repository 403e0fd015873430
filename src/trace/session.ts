/**
 * Session: the span-context state of one agent session, as it is kept on disk between events. It holds what is open and
 * what a late event may still change; what is finished leaves it. The schema is the type: bytes become a Session here and
 * nowhere else, and times, which JSON cannot hold, are decimal strings there and bigints here.
 */

import * as z from "zod";

/** Raised when a field changes its meaning. A bridge refuses to touch the state of a newer one. */
export const SESSION_VERSION = 1;

const ns = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const context = z.strictObject({ traceId: z.string().length(32), spanId: z.string().length(16) });
const usage = z.strictObject({
  input: z.number(),
  cacheRead: z.number(),
  cacheWrite5m: z.number(),
  cacheWrite1h: z.number(),
  output: z.number(),
  reasoning: z.number(),
});
const outcome = z.enum(["success", "error", "denied", "blocked", "cancelled", "unknown"]);

/** What a run or a subagent has used by its own calls. */
const tally = z.strictObject({
  usage,
  usd: z.number(),
  priced: z.boolean(),
  inferenceCalls: z.number(),
  toolCalls: z.number(),
  models: z.array(z.string()),
});

/** A stretch of a session between its start (or resume) and its end: one session span. */
const segment = z.strictObject({
  startNs: ns,
  /** Set once an id was derived from the start, which then may move no more. */
  keyNs: ns.optional(),
  source: z.string().optional(),
  previousSessionId: z.string().optional(),
  /** A native start came, or the segment was opened by another event. */
  started: z.boolean(),
  /** Something other than a start has happened in it. */
  eventful: z.boolean(),
  /** When it first did. */
  eventfulNs: ns.optional(),
  endedNs: ns.optional(),
  endReason: z.string().optional(),
  /** It began while the one before had not ended: that one's process may have lived on beside it. */
  beside: z.literal(true).optional(),
  /** Its process has stated its books. */
  stated: z.literal(true).optional(),
  lastNs: ns,
  runs: z.array(context),
  runCount: z.number(),
});

/** A run that is open, or over but not settled: facts, from which its end and outcome follow when it settles. */
const run = z.strictObject({
  key: z.string(),
  taskId: z.string().optional(),
  context,
  parentSpanId: z.string().optional(),
  inbound: context.optional(),
  startNs: ns,
  lastNs: ns,
  synthetic: z.boolean(),
  trigger: z.enum(["user", "task", "schedule", "review"]),
  stoppedNs: ns.optional(),
  failed: z.strictObject({ atNs: ns, errorType: z.string(), tentative: z.literal(true).optional() }).optional(),
  /** Its newest own model call of which a hook told. */
  calledNs: ns.optional(),
  interruptedNs: ns.optional(),
  /** The session was interrupted as a whole. */
  cutNs: ns.optional(),
  blockedNs: ns.optional(),
  supersededNs: ns.optional(),
  abandonedNs: ns.optional(),
  sessionEndedNs: ns.optional(),
  answeredNs: ns.optional(),
  settledNs: ns.optional(),
  /** The source said that it is over, and this is when nothing of it can be on its way any more. */
  closesNs: ns.optional(),
  /** A Stop hook said no: the run goes on, and that stop was none. */
  continuedNs: ns.optional(),
  tally,
  prompt: z.string().optional(),
  response: z.string().optional(),
});

const tool = z.strictObject({
  callId: z.string(),
  /** The id is a ticket: the agent gave none. */
  ticket: z.literal(true).optional(),
  tool: z.string(),
  mcpServer: z.string().optional(),
  /** Of an MCP server that is not known by name. */
  ofMcp: z.literal(true).optional(),
  runKey: z.string(),
  context,
  parentSpanId: z.string(),
  subagentId: z.string().optional(),
  /** A hook has told of it. What only the transcript mentions is no call of ours, or not yet. */
  proven: z.boolean(),
  /** When it was first heard of; the start of the span only if `started`. */
  firstNs: ns,
  startNs: ns.optional(),
  inputHash: z.string().optional(),
  input: z.string().optional(),
  output: z.string().optional(),
  permissionNs: ns.optional(),
  decidedNs: ns.optional(),
  backgroundTaskId: z.string().optional(),
  ended: z
    .strictObject({
      atNs: ns,
      outcome,
      errorType: z.string().optional(),
      exitCode: z.number().optional(),
      durationMs: z.number().optional(),
      executedNs: ns.optional(),
      withWait: z.literal(true).optional(),
    })
    .optional(),
  reported: z.strictObject({ atNs: ns, outcome, errorType: z.string().optional() }).optional(),
  /** A report said that it was executed. */
  ran: z.literal(true).optional(),
});

const subagent = z.strictObject({
  id: z.string(),
  /** The session of its own that the agent gave it, and the agent's name for its work. */
  childSessionId: z.string().optional(),
  taskId: z.string().optional(),
  type: z.string(),
  runKey: z.string(),
  context,
  runSpanId: z.string(),
  firstNs: ns,
  startNs: ns.optional(),
  endNs: ns.optional(),
  callId: z.string().optional(),
  background: z.boolean(),
  outcome: z.strictObject({ atNs: ns, word: z.enum(["success", "error", "interrupted"]) }).optional(),
  failed: z.strictObject({ atNs: ns, errorType: z.string() }).optional(),
  lastNs: ns,
  tally,
});

/** A model call whose message may still grow: it ends when the next one begins, or with its run. */
const call = z.strictObject({
  messageId: z.string(),
  isOwnId: z.literal(true).optional(),
  requestId: z.string().optional(),
  file: z.string(),
  runKey: z.string().optional(),
  subagentId: z.string().optional(),
  context,
  parentSpanId: z.string(),
  provider: z.string(),
  requestModel: z.string(),
  responseModel: z.string(),
  finishReason: z.string().optional(),
  reasoningLevel: z.string().optional(),
  startNs: ns,
  endNs: ns,
  usage,
  /** Its source gave no usage. */
  unmetered: z.literal(true).optional(),
});

/** Totals of the client's books, as far as they are known. */
const shownTotals = {
  totalUsd: z.number().optional(),
  linesAdded: z.number().optional(),
  linesRemoved: z.number().optional(),
};

const position = z.strictObject({
  offset: z.number(),
  inode: z.number(),
  skipping: z.literal(true).optional(),
  decoder: z.unknown().optional(),
});

const transcript = z.strictObject({
  subagentId: z.string().optional(),
  /** Its subagent has ended and it was read to its end: it is followed no more, unless the subagent speaks again. */
  done: z.literal(true).optional(),
  position: position.optional(),
  /** The newest time of a counted line. */
  highWaterNs: ns.optional(),
  /** The last 256 message ids with the usage that was counted for them. */
  messages: z.array(z.tuple([z.string(), usage])),
});

export const sessionSchema = z.strictObject({
  v: z.literal(SESSION_VERSION),
  agent: z.string(),
  id: z.string(),
  /** The first event: what was written before it is not ours to count. */
  startedNs: ns,
  lastNs: ns,
  /** Where the conversation began under another session id: that id. */
  conversationId: z.string().optional(),
  cwd: z.string().optional(),
  agentVersion: z.string().optional(),
  entrypoint: z.string().optional(),
  headless: z.boolean().optional(),
  permissionMode: z.string().optional(),
  model: z.string().optional(),
  repository: z.string().optional(),
  traceparent: z.string().optional(),
  pid: z.number().optional(),
  /** A parent's pid is trusted only after it was seen alive at two events; a pid from the environment at once. */
  pidTrusted: z.boolean().optional(),
  /** Tells the process from a later one with the same number. */
  pidBirth: z.string().optional(),
  processGoneNs: ns.optional(),
  segments: z.array(segment),
  previousSegment: context.optional(),
  /** The end of the last closed segment: what happened before it comes too late. */
  closedNs: ns.optional(),
  previousRun: z.strictObject({ context, startNs: ns }).optional(),
  runs: z.array(run),
  tools: z.array(tool),
  subagents: z.array(subagent),
  calls: z.array(call),
  /** Model calls of which an attempt has failed and the next has not ended: when the last one did. */
  attempts: z.array(z.strictObject({ requestId: z.string(), endNs: ns })).optional(),
  /** A stop of a run that has no id, heard of before its prompt. */
  earlyStop: z.strictObject({ stoppedNs: ns, answeredNs: ns.optional(), response: z.string().optional() }).optional(),
  /** A run that is named and of which only its end was heard so far: nobody, unless its prompt was overtaken by it. */
  early: run.optional(),
  /** A hook has told of it: glimpses of its runs count no more. */
  hooked: z.literal(true).optional(),
  /** Begins and ends of runs from a second source, in order of time, until it is sure that no hook tells of them. */
  glimpses: z.array(z.strictObject({ atNs: ns, phase: z.enum(["begin", "end"]), about: z.string() })).optional(),
  permissions: z.array(
    z.strictObject({
      tool: z.string(),
      inputHash: z.string(),
      callId: z.string().optional(),
      subagentId: z.string().optional(),
      atNs: ns,
    }),
  ),
  /** The last calls that launched subagents without naming them. */
  launches: z
    .array(z.strictObject({ callId: z.string(), runKey: z.string(), startNs: ns, endNs: ns, background: z.boolean() }))
    .optional(),
  /** The last ends of calls without an id, and the ticket that each took. */
  tickets: z.array(z.tuple([z.string(), z.string()])).default([]),
  compaction: z.strictObject({ startNs: ns, trigger: z.string(), runKey: z.string().optional() }).optional(),
  /** An end whose start has not come: it waits for it until its run settles. */
  compactionEnd: z
    .strictObject({ atNs: ns, trigger: z.enum(["manual", "auto"]), runKey: z.string().exactOptional() })
    .optional(),
  /** The end of the last compaction. */
  compactedNs: ns.optional(),
  transcripts: z.record(z.string(), transcript),
  processStarts: z.array(ns),
  /** Estimated cost that no statement of the client's own books has covered yet. */
  unreconciled: z.array(z.strictObject({ atNs: ns, model: z.string(), provider: z.string(), usd: z.number() })),
  /** The newest totals that the client has shown. `beforeUsd`: the least that any process before had shown at last. */
  shown: z
    .strictObject({
      atNs: ns,
      ...shownTotals,
      durationMs: z.number().optional(),
      beforeUsd: z.number().optional(),
    })
    .optional(),
  /** What was booked of shown totals, and for the process that began when. */
  booked: z.strictObject({ startNs: ns, ...shownTotals }).optional(),
  /** How long the briefest stretch of the session was: nanoseconds. */
  briefestNs: ns.optional(),
  /** The client's books as it last put them away, and when: a process that resumes goes on from there. */
  books: z.strictObject({ atNs: ns, ...shownTotals, totalUsd: z.number() }).optional(),
  /** Keys of what has ended, newest last. */
  ended: z.array(z.string()),
});

export type Session = z.output<typeof sessionSchema>;
export type Segment = Session["segments"][number];
export type Run = Session["runs"][number];
export type OpenTool = Session["tools"][number];
export type OpenSubagent = Session["subagents"][number];
export type OpenCall = Session["calls"][number];
export type Transcript = Session["transcripts"][string];
export type Tally = Run["tally"];
export type Glimpse = NonNullable<Session["glimpses"]>[number];
export type Shown = NonNullable<Session["shown"]>;

/** A session at its first event. */
export function newSession(agent: string, id: string, atNs: bigint): Session {
  return {
    v: SESSION_VERSION,
    agent,
    id,
    startedNs: atNs,
    lastNs: atNs,
    segments: [],
    runs: [],
    tools: [],
    subagents: [],
    calls: [],
    permissions: [],
    tickets: [],
    transcripts: {},
    processStarts: [],
    unreconciled: [],
    ended: [],
  };
}
