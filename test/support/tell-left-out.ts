/** Vitest's global setup: says once which tests a run leaves out, and why. */

import { COLLECTOR, findStackProgram, PROMETHEUS } from "./stack-program.ts";
import { tempoProgram } from "./tempo.ts";
import { mountAbility } from "./tmpfs.ts";

export function setup(): void {
  for (const [program, tests] of [
    [COLLECTOR, "test/stack"],
    [PROMETHEUS, "test/stack/{prometheus,total-over,dashboards}.test.ts"],
  ] as const) {
    const found = findStackProgram(program);
    if (found.status === "missing" && !found.isFailure) process.stderr.write(`left out: ${tests} (${found.reason})\n`);
  }
  if (tempoProgram() === undefined)
    process.stderr.write("left out: test/stack/tempo.test.ts (TEMPO_BIN names no Tempo)\n");
  const mount = mountAbility();
  if (mount.status === "unable" && !mount.isFailure)
    process.stderr.write(`left out: test/process/full-disk.test.ts (${mount.reason})\n`);
}
