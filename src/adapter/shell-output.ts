/**
 * How a shell command of Gemini CLI or Qwen Code ended, as the client tells the model behind the command's output. It is the
 * only place where either says so.
 */

/** `exitCode` is absent where the client told none: Gemini CLI leaves out a zero. */
export type ShellEnd = { failed: boolean; exitCode?: number };

const EXIT_CODE = /\nExit Code: (\d{1,10})\n/;
const SIGNAL = /\nSignal: (?!\(none\))[^\n]+\n/;

/** The lines behind the output, up to the end of the text; a command's own output of the same words is before them. */
const TRAILER =
  /(?:\n(?:Exit Code|Signal|Background PIDs|Process Group PGID): [^\n]*)+(?=(?:\s*<\/untrusted_context>)?\s*$)/;

/** They are short, and the output may be long. */
const TRAILER_CHARS = 2000;

export function shellEnd(text: string): ShellEnd {
  const trailer = `${TRAILER.exec(text.slice(-TRAILER_CHARS))?.[0] ?? ""}\n`;
  const code = EXIT_CODE.exec(trailer)?.[1];
  const exitCode = code === undefined ? undefined : Number(code);
  const failed = (exitCode !== undefined && exitCode !== 0) || SIGNAL.test(trailer);
  return exitCode === undefined || exitCode > 2 ** 32 ? { failed } : { failed, exitCode };
}
