/** Python's own unit tests, run once by the python3 of this machine. */

import { spawnSync } from "node:child_process";

/** `error`: what Python says of a test that failed; null if it passed. */
export type PythonTest = { name: string; error: string | null };

/** The tests of a file that prints one JSON line for each. @throws if there is no python3, or the file cannot be run to its end. */
export function runPythonTests(file: string): PythonTest[] {
  const { error, status, stdout, stderr } = spawnSync("python3", ["-B", file], { encoding: "utf8", timeout: 300_000 });
  if (error !== undefined) throw new Error(`python3 (3.9 or newer) is needed for ${file}`, { cause: error });
  if (status !== 0) throw new Error(`${file} ended with ${String(status)}:\n${stderr}`);
  return stdout
    .trim()
    .split("\n")
    .map((line): PythonTest => JSON.parse(line));
}
