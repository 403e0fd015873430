/** Vitest's global setup: says once which tests a run leaves out, and why. */

import { COLLECTOR, findStackProgram, PROMETHEUS } from "./stack-program.ts";

export function setup(): void {
  for (const [program, tests] of [
    [COLLECTOR, "test/stack"],
    [PROMETHEUS, "test/stack/prometheus.test.ts"],
  ] as const) {
    const found = findStackProgram(program);
    if (found.status === "missing" && !found.isFailure) process.stderr.write(`left out: ${tests} (${found.reason})\n`);
  }
}
