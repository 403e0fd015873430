/**
 * The totals that Claude Code shows of its books: on the stdin of the status line command, and where a version gives them, with
 * SessionEnd. A member of another shape than expected is as good as absent, and absent is not 0.
 */

import * as z from "zod";

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import { milliseconds } from "./payload.ts";

/** More than any session costs; sums of it stay numbers. */
const usd = z.number().nonnegative().max(1e9).optional().catch(undefined);
const lines = z.number().int().nonnegative().max(1e9).optional().catch(undefined);

const costBlock = z.looseObject({
  total_cost_usd: usd,
  total_duration_ms: milliseconds,
  total_lines_added: lines,
  total_lines_removed: lines,
});

/** Nothing where the block shows no total. */
export function shownCost(block: unknown, base: EventBase): AgentEvent[] {
  const parsed = costBlock.safeParse(block);
  if (!parsed.success) return [];
  const { total_cost_usd: totalUsd, total_lines_added: added, total_lines_removed: removed } = parsed.data;
  if (totalUsd === undefined && added === undefined && removed === undefined) return [];
  return [
    {
      ...base,
      kind: "cost.shown",
      ...optional("totalUsd", totalUsd),
      ...optional("linesAdded", added),
      ...optional("linesRemoved", removed),
      ...optional("durationMs", parsed.data.total_duration_ms),
    },
  ];
}
