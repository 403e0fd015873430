/** Lays a recorded session out as if it had just happened: transcripts in full, one envelope a hook call, nothing taken in yet. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { formatEnvelope } from "../event/envelope.ts";
import { putEnvelope } from "../spool/put.ts";
import { realDisk } from "../store/disk.ts";
import type { Recording } from "./load-recording.ts";
import { relocate, replaySteps, writeStep } from "./replay.ts";

/** `root` takes the place of the recorded home directory, `home` is the state directory. */
export type Place = { agent: string; root: string; home: string };

/** The last thing that happened happens now. */
export function layOut(recording: Recording, { agent, root, home }: Place): void {
  const cwd = join(root, "project");
  const spool = join(home, "spool");
  for (const directory of [cwd, spool]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const steps = replaySteps(recording);
  const byNs = BigInt(Date.now()) * 1_000_000n - (steps.at(-1)?.atNs ?? 0n);
  for (const [index, step] of steps.entries()) {
    if (step.kind !== "hook") {
      writeStep(step, recording.home, { root, byNs, startByNs: byNs });
      continue;
    }
    const atNs = step.atNs + byNs;
    const id = `${atNs}.${index}`;
    const payload = Buffer.from(relocate(step.stdin, recording.home, root));
    putEnvelope(realDisk, spool, id, formatEnvelope({ id, agent, timeNs: atNs, cwd, env: step.env ?? {}, payload }));
  }
}
