/** What a proof comes to, as a table on stdout. */

export type Row = {
  kind: string;
  seed: number;
  lost: number;
  doubled: number;
  faults: string[];
  note?: string;
} & Partial<Record<Count, number>>;

type Count =
  | "events"
  | "spans"
  | "kills"
  | "killsInCommit"
  | "killsInFlight"
  | "hookKills"
  | "outages"
  | "injected"
  | "quarantined"
  | "dropped";

const COLUMNS: [string, Count | "lost" | "doubled"][] = [
  ["events", "events"],
  ["spans", "spans"],
  ["kills", "kills"],
  ["in commit", "killsInCommit"],
  ["in export", "killsInFlight"],
  ["hook kills", "hookKills"],
  ["outages", "outages"],
  ["dup. injected", "injected"],
  ["lost", "lost"],
  ["doubled", "doubled"],
  ["quarantined", "quarantined"],
  ["dropped by bound", "dropped"],
];

export function printTable(rows: readonly Row[]): void {
  const head = ["round", "seed", ...COLUMNS.map(([title]) => title), "", "result"];
  const body = rows.map((row) => [
    row.kind,
    String(row.seed),
    ...COLUMNS.map(([, name]) => String(row[name] ?? "-")),
    row.note ?? "",
    row.faults.length + row.lost + row.doubled === 0 ? "ok" : "FAILED",
  ]);
  const sums = COLUMNS.map(([, name]) => String(rows.reduce((sum, row) => sum + (row[name] ?? 0), 0)));
  const lines = [head, ...body, ["all", "", ...sums, "", ""]];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  for (const line of lines) {
    const cells = line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
    process.stdout.write(`${cells.join("  ").trimEnd()}\n`);
  }
}
