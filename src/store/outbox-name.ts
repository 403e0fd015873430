/**
 * Names in the outbox: `<seq>.<trace>.<n>.<spans>.json`, zero-padded, so that their order as text is the order of sending.
 * `seq` is the commit that released the file. `n` counts the files of a trace; letters after it say that the file is to be
 * sent alone: `x` taken out of a larger request, `a` and `b` the halves of one file.
 */

/**
 * In place of a trace id: the file holds spans of several. It sorts after the files of the same commit that were held before,
 * so the oldest spans of a trace still go first.
 */
export const SEVERAL_TRACES = "f".repeat(32);

const NAME = /^(\d{12})\.([0-9a-f]{32})\.(\d{5}[abx]*)\.(\d+)\.json$/;

export type OutboxName = { seq: number; traceId: string; n: string; spans: number };

export function outboxName({ seq, traceId, n, spans }: OutboxName): string {
  return `${String(seq).padStart(12, "0")}.${traceId}.${n}.${spans}.json`;
}

/** Undefined for a file that is none of ours. */
export function parseOutboxName(file: string): OutboxName | undefined {
  const [, seq, traceId, n, spans] = NAME.exec(file) ?? [];
  if (traceId === undefined || n === undefined) return undefined;
  return { seq: Number(seq), traceId, n, spans: Number(spans) };
}

/** True if the file may not share a request with another. */
export function isAlone(name: OutboxName): boolean {
  return /[abx]$/.test(name.n);
}
