// A script of bash that times rows side by side: one process for all, so that its own start is in none of them.
import { spawn } from "node:child_process";

/** Runs the script, which prints `key microseconds` for each run of a row; gives the milliseconds by key. */
export async function timedRows(script, keys) {
  const child = spawn("bash", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  const samples = Object.fromEntries(keys.map((key) => [key, []]));
  for (const line of output.trim().split("\n")) {
    const [key, microseconds] = line.split(" ");
    samples[key].push(Number(microseconds) / 1000);
  }
  return samples;
}
