/**
 * The registry of attributes: what each one means, where it stands, and what it takes to let it out. `docs/telemetry.md` is
 * written from it, and what recorded sessions really send is held against it.
 */

import type { ContentKind } from "../trace/content.ts";
import { ATTR } from "../trace/semconv.ts";

/** Things that carry attributes: spans by what they are of, the link of a span, a metric. */
export type Carrier =
  | "session"
  | "run"
  | "call"
  | "tool"
  | "subagent"
  | "hook"
  | "compaction"
  | "link"
  | "metric"
  | "bridge metric";

export type AttributeFact = {
  type: "string" | "string[]" | "int" | "double" | "boolean";
  on: readonly Carrier[];
  /** One phrase, without a full stop. */
  brief: string;
  /** Text of the user, the agent or a program, of this kind: it leaves the machine only where capture is `preview` or `full`. */
  content?: ContentKind;
};

const ALL_SPANS = ["session", "run", "call", "tool", "subagent", "hook", "compaction"] as const;

/** By the key of `ATTR`: a name that is not described here does not compile. */
const FACTS: Record<keyof typeof ATTR, AttributeFact> = {
  sessionId: { type: "string", on: ALL_SPANS, brief: "the agent's own session id" },
  sessionPreviousId: {
    type: "string",
    on: ["session"],
    brief: "the session that this one followed in one process, or was forked from",
  },
  conversationId: {
    type: "string",
    on: ALL_SPANS,
    brief: "the session id again, under the name of the GenAI conventions",
  },
  operation: { type: "string", on: [...ALL_SPANS, "metric"], brief: "what the span is of; on metrics always `chat`" },
  agentName: {
    type: "string",
    on: ["session", "run", "tool", "subagent", "compaction", "metric", "bridge metric"],
    brief: "the agent, or the type of the subagent",
  },
  provider: { type: "string", on: ["call", "metric"], brief: "who serves the model" },
  requestModel: {
    type: "string",
    on: ["run", "call", "subagent", "metric"],
    brief: "the model that was asked for; on a run, where it used only one",
  },
  reasoningLevel: { type: "string", on: ["call"], brief: "how hard the model was told to think" },
  responseModel: { type: "string", on: ["call"], brief: "the model that answered" },
  responseId: { type: "string", on: ["call"], brief: "the provider's id of the answer" },
  finishReasons: { type: "string[]", on: ["call"], brief: "why the model stopped" },
  inputTokens: {
    type: "int",
    on: ["run", "call", "subagent"],
    brief: "tokens read, cached ones included; on a run or subagent the sum of its own calls",
  },
  outputTokens: {
    type: "int",
    on: ["run", "call", "subagent"],
    brief: "tokens written, reasoning included; summed likewise",
  },
  cacheReadTokens: { type: "int", on: ["call"], brief: "of the input, what came from the cache" },
  cacheWriteTokens: { type: "int", on: ["call"], brief: "of the input, what was written into the cache" },
  reasoningTokens: { type: "int", on: ["call"], brief: "of the output, what was reasoning" },
  tokenType: { type: "string", on: ["metric"], brief: "`input` or `output`" },
  toolName: { type: "string", on: ["tool", "metric"], brief: "the tool" },
  toolType: {
    type: "string",
    on: ["tool", "metric"],
    brief: "`extension` for a tool of an MCP server, else `function`",
  },
  toolCallId: { type: "string", on: ["tool"], brief: "the agent's id of the call" },
  toolArguments: { type: "string", on: ["tool"], brief: "what the tool was given", content: "tool_input" },
  toolResult: { type: "string", on: ["tool"], brief: "what it answered, error texts included", content: "tool_result" },
  inputMessages: { type: "string", on: ["run"], brief: "the prompt, as JSON", content: "prompt" },
  outputMessages: { type: "string", on: ["run"], brief: "the final answer, as JSON", content: "response" },
  mcpMethod: { type: "string", on: ["tool"], brief: "`tools/call`" },
  errorType: {
    type: "string",
    on: ["run", "call", "tool", "subagent", "hook", "metric"],
    brief: "a word of ours on what went wrong, never the agent's text",
  },
  exitCode: { type: "int", on: ["tool"], brief: "exit code of the command that the tool ran" },
  repository: {
    type: "string",
    on: ["session", "run", "subagent", "metric"],
    brief: "last segment of the URL of origin, else the folder of the main worktree",
  },
  overflow: { type: "boolean", on: ["metric", "bridge metric"], brief: "the series of what came beyond 2,000 series" },

  cacheWrite1hTokens: {
    type: "int",
    on: ["call"],
    brief: "of what was written into the cache, what stays for an hour",
  },
  costUsd: {
    type: "double",
    on: ["run", "call", "subagent"],
    brief: "estimated cost in USD; on a run or subagent the sum of its own calls",
  },
  costTable: { type: "string", on: ["call"], brief: "the price table that the cost is from" },
  costSource: { type: "string", on: ["metric"], brief: "`reported`, `estimated` or `reconciled`" },
  tokenKind: {
    type: "string",
    on: ["metric"],
    brief: "`input`, `cache_read`, `cache_write`, `output`, `reasoning`: disjoint, they add up",
  },
  timingSource: { type: "string", on: ["call"], brief: "where start and end come from" },
  requestId: {
    type: "string",
    on: ["call"],
    brief: "the provider's id of the request, or the agent's own, which all attempts of a call share",
  },
  llmAuxiliary: {
    type: "string",
    on: ["call"],
    brief: "what a call of the agent's own was for, in one word (`title_generation`)",
  },
  runId: { type: "string", on: ["run"], brief: "the agent's own id of the turn, else the time of its first event" },
  runOutcome: {
    type: "string",
    on: ["run", "subagent", "metric"],
    brief:
      "`success`, `error`, `interrupted`, `blocked`, `superseded` or `abandoned`; absent where neither it nor a hook says so",
  },
  runEndReason: { type: "string", on: ["run"], brief: "what ended it" },
  runTrigger: {
    type: "string",
    on: ["run", "metric"],
    brief: "who asked: `user`, `task`, `schedule`, or the agent itself: `review`",
  },
  runSynthetic: { type: "boolean", on: ["run"], brief: "no prompt was seen: another event opened it" },
  inferenceCalls: { type: "int", on: ["run", "subagent"], brief: "its own model calls" },
  toolCalls: { type: "int", on: ["run", "subagent"], brief: "its own tool calls" },
  permissionMode: { type: "string", on: ["run"], brief: "the agent's permission mode" },
  entrypoint: { type: "string", on: ["session"], brief: "how the agent was started" },
  toolOutcome: {
    type: "string",
    on: ["tool"],
    brief: "`success`, `error`, `denied`, `blocked`, `cancelled` or `unknown`",
  },
  toolDuration: { type: "double", on: ["tool"], brief: "the agent's own duration of the execution, in seconds" },
  toolWait: { type: "double", on: ["tool"], brief: "how long it waited for a permission, in seconds" },
  toolDecision: { type: "string", on: ["metric"], brief: "`allow` or `deny`" },
  toolBackground: { type: "boolean", on: ["tool"], brief: "it went on in the background" },
  mcpServer: {
    type: "string",
    on: ["tool"],
    brief: "the MCP server that has the tool, by its name in `mcpNames` of the configuration, else by its own",
  },
  subagentId: { type: "string", on: ["subagent"], brief: "the agent's own id of the subagent" },
  subagentBackground: { type: "boolean", on: ["subagent"], brief: "it may outlive its run" },
  hookEvent: { type: "string", on: ["hook", "metric"], brief: "the event that the hook ran for" },
  hookName: { type: "string", on: ["hook"], brief: "base name of its command" },
  hookSource: { type: "string", on: ["hook", "metric"], brief: "`system`, `user`, `project` or `unknown`" },
  hookStatus: { type: "string", on: ["hook", "metric"], brief: "`completed`, `failed`, `stopped` or `blocked`" },
  compactTrigger: { type: "string", on: ["compaction"], brief: "`manual` or `auto`" },
  sessionSource: { type: "string", on: ["session"], brief: "how it began: `startup`, `resume`, `clear`, ..." },
  sessionEndReason: { type: "string", on: ["session"], brief: "why it ended" },
  sessionSynthetic: { type: "boolean", on: ["session"], brief: "no start was seen: another event opened it" },
  sessionRuns: { type: "int", on: ["session"], brief: "how many runs it had" },
  codeChange: { type: "string", on: ["metric"], brief: "`added` or `removed`" },
  orphaned: {
    type: "boolean",
    on: ["tool", "subagent"],
    brief: "no end was seen: the end of its run, subagent or session closed it",
  },
  startMissing: { type: "boolean", on: ["tool", "subagent", "compaction"], brief: "no start was seen" },
  clockSkewed: { type: "boolean", on: ALL_SPANS, brief: "its times contradicted each other and were put right" },
  linkType: { type: "string", on: ["link"], brief: "what the link leads to" },
  eventOutcome: { type: "string", on: ["bridge metric"], brief: "what became of an event" },
  exportSignal: { type: "string", on: ["bridge metric"], brief: "`span` or `metric_point`" },
  exportOutcome: { type: "string", on: ["bridge metric"], brief: "what became of an export" },
  dropReason: { type: "string", on: ["bridge metric"], brief: "the bound that dropped it" },
  bridgeVersion: { type: "string", on: ["bridge metric"], brief: "hookspan's version" },
  agentVersion: { type: "string", on: ["bridge metric"], brief: "the agent's version" },
  osType: { type: "string", on: ["bridge metric"], brief: "the operating system" },
};

/** By the name that is sent. */
export const ATTRIBUTES: ReadonlyMap<string, AttributeFact> = new Map(
  Object.entries<string>(ATTR).map(([key, name]) => [name, factOf(key)]),
);

/** The resource's own attributes, in `otlp/resource.ts`; the user's `resource` keys come beside them. */
export const RESOURCE_ATTRIBUTES: Record<string, { on: "spans and metrics" | "spans"; brief: string }> = {
  "service.name": { on: "spans and metrics", brief: "the agent; `hookspan` for `hookspan.bridge.*`" },
  "service.namespace": { on: "spans and metrics", brief: "`hookspan`" },
  "service.instance.id": { on: "spans and metrics", brief: "a UUID made once for each state directory" },
  "service.version": { on: "spans", brief: "the agent's version, where it tells it" },
  "os.type": { on: "spans", brief: "the operating system" },
  "telemetry.sdk.name": { on: "spans and metrics", brief: "`opentelemetry`" },
  "telemetry.sdk.language": { on: "spans and metrics", brief: "`nodejs`" },
  "telemetry.sdk.version": { on: "spans and metrics", brief: "version of the OpenTelemetry SDK" },
  "telemetry.distro.name": { on: "spans and metrics", brief: "`hookspan`" },
  "telemetry.distro.version": { on: "spans and metrics", brief: "hookspan's version" },
};

/** On the resource of spans too, but only where `identity` is configured; the metrics stay as they are. */
export const IDENTITY_ATTRIBUTES: Record<string, { brief: string }> = {
  "user.id": { brief: "the user's id: configured, or from the agent's own telemetry" },
  "user.email": { brief: "the user's e-mail address: configured, from the agent's own telemetry, or from git" },
  "user.name": { brief: "the user's name: configured, or from git" },
  "hookspan.organization.id": { brief: "the organization: configured, or from the agent's own telemetry" },
  "host.name": { brief: "the machine's name" },
};

function factOf(key: string): AttributeFact {
  const found = Object.entries(FACTS).find(([name]) => name === key);
  if (found === undefined) throw new Error(`the attribute ${key} is not in the registry: describe it in attributes.ts`);
  return found[1];
}
