/** The client's last word on a turn. What belongs to it may be written within a moment after: an interrupted call's item is. */

import type { AgentEvent } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import { failureWord, isModelFailure } from "./failure-word.ts";
import type { Line } from "./line.ts";
import { taskComplete } from "./line-schema.ts";
import { providerOf } from "./usage.ts";

const GRACE_MS = 500;

export function completedTurn(line: Line): AgentEvent[] {
  const { last_agent_message: output, error } = taskComplete.catch({}).parse(line.payload);
  const { base } = line;
  const word = error === undefined || error === null ? undefined : failureWord(error.codex_error_info);
  if (!line.isMain) return [...failedCall(line, word), ...endedSubagent(line)];
  const ended: AgentEvent =
    word === undefined
      ? { ...base, kind: "run.stopped", recorded: true, content: { ...optional("output", output ?? undefined) } }
      : { ...base, kind: "run.failed", recorded: true, errorType: word };
  return [...failedCall(line, word), ended, { ...base, kind: "run.settled", graceMs: GRACE_MS }];
}

/** An interrupt, or another turn that takes this one's place. */
export function abortedTurn(line: Line): AgentEvent[] {
  const { base } = line;
  if (!line.isMain) return endedSubagent(line);
  return [
    { ...base, kind: "run.interrupted" },
    { ...base, kind: "run.settled", graceMs: GRACE_MS },
  ];
}

/** All that is told of a failed call is that the client gave up, after how many attempts soever. */
function failedCall(line: Line, word: string | undefined): AgentEvent[] {
  if (word === undefined || !isModelFailure(word)) return [];
  const { base, state, atNs } = line;
  return [
    {
      ...base,
      kind: "llm.failed",
      attemptId: `${state.turnId ?? atNs.toString()}:failed`,
      provider: providerOf(state.provider),
      requestModel: state.model ?? "unknown",
      startNs: BigInt(state.askedNs ?? atNs),
      errorType: word,
    },
  ];
}

function endedSubagent({ base }: Line): AgentEvent[] {
  const { subagentId } = base;
  return subagentId === undefined ? [] : [{ ...base, kind: "subagent.ended", recorded: true, subagentId, type: "" }];
}
