// The forms that Gemini CLI 0.61.0 and Qwen Code 0.24.4 write, and what a command may print by itself.
import { expect, test } from "vitest";

import { shellEnd } from "./shell-output.ts";

const gemini = (lines: string): string =>
  `<untrusted_context>\n${lines}\nProcess Group PGID: 30678\n</untrusted_context>`;
const qwen = (lines: string): string => `Command: x\nDirectory: (root)\n${lines}\nProcess Group PGID: (none)`;

test.each([
  ["Gemini CLI: a failure", gemini("Output: bad\nExit Code: 3"), { failed: true, exitCode: 3 }],
  ["Gemini CLI: a success says no code", gemini("Output: README.md"), { failed: false }],
  ["Gemini CLI: killed by a signal", gemini("Output: x\nSignal: 9"), { failed: true }],
  [
    "Qwen Code: a failure",
    qwen("Output: bad\nError: (none)\nExit Code: 3\nSignal: (none)"),
    { failed: true, exitCode: 3 },
  ],
  [
    "Qwen Code: a success",
    qwen("Output: a\nError: (none)\nExit Code: 0\nSignal: (none)"),
    { failed: false, exitCode: 0 },
  ],
  ["printed in the middle", gemini("Output: a\nExit Code: 3\nmore"), { failed: false }],
  [
    "printed, and failed in another way",
    gemini("Output: a\nExit Code: 3\nmore\nExit Code: 4"),
    { failed: true, exitCode: 4 },
  ],
  ["a long output", gemini(`Output: ${"x\n".repeat(50_000)}Exit Code: 2`), { failed: true, exitCode: 2 }],
  ["no number that there is", gemini("Output: a\nExit Code: 9999999999"), { failed: true }],
  ["nothing", "", { failed: false }],
])("%s", (_, text, expected) => {
  expect(shellEnd(text)).toEqual(expected);
});
