import type { SpanBatch, SpanRecord } from "../../src/trace/record.ts";

/** A batch of `count` spans of trace `letter` (a hex digit); `text` is what each carries. Span ids count from `from`. */
export function spanBatch(letter: string, count: number, { from = 0, text = "", agentVersion = "1" } = {}): SpanBatch {
  const traceId = letter.repeat(32);
  const spans = Array.from({ length: count }, (_, i): SpanRecord => ({
    traceId,
    spanId: (from + i).toString(16).padStart(16, "0"),
    name: "execute_tool Bash",
    kind: "internal",
    startNs: 1_795_196_713_872_299_001n,
    endNs: 1_795_196_713_872_299_002n,
    attributes: { text },
    links: [],
  }));
  return { agent: "codex", agentVersion, traceId, spans };
}
