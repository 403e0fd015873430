import { spawn } from "node:child_process";

/** `code` is undefined if a signal ended the program, or if it could not be started; `stderr` says why then. */
export type ProgramResult = { code: number | undefined; stderr: string };

export type ProgramOptions = {
  env: Record<string, string>;
  cwd: string;
  stdin?: string;
  signal?: AbortSignal;
};

/** Runs a program to its end. What it writes to stdout is dropped; never throws. */
export function runProgram(
  command: string,
  args: string[],
  { env, cwd, stdin = "", signal }: ProgramOptions,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env,
      cwd,
      stdio: ["pipe", "ignore", "pipe"],
      ...(signal ? { signal } : {}),
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", (error) => resolve({ code: undefined, stderr: `${stderr}${error.message}` }));
    child.once("close", (code) => resolve({ code: code ?? undefined, stderr }));
    // Something that the program left behind may hold its stderr open; the end of the program is the end.
    child.once("exit", () => setTimeout(() => child.stderr.destroy(), 500).unref());
    // A program may leave without reading all of its input.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}
