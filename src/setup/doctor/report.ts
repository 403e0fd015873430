/** How findings are told: a line for each, or JSON. */

import type { Finding } from "./finding.ts";

/** What `hookspan doctor --json` prints. Keys may come, none goes or changes its meaning. */
export type DoctorReport = {
  version: string;
  /** `fail` if any hop fails. */
  verdict: "ok" | "fail";
  /** The first hop that fails: the cause. Null if none does. */
  cause: Finding | null;
  hops: Finding[];
};

export function reportOf(findings: readonly Finding[], version: string): DoctorReport {
  const cause = findings.find(({ verdict }) => verdict === "fail") ?? null;
  return { version, verdict: cause === null ? "ok" : "fail", cause, hops: [...findings] };
}

/** `fail  codex trust  none of our hooks is trusted; fix: ...` */
export function findingLine({ verdict, hop, agent, text, fix }: Finding): string {
  const name = agent === undefined ? hop : `${agent} ${hop}`;
  return `${verdict.padEnd(7)} ${name.padEnd(19)} ${text}${fix === undefined ? "" : `; fix: ${fix}`}\n`;
}
