import { execFileSync } from "node:child_process";

import { describe, expect, test } from "vitest";

import { commandLine, type HookProgram, isHookLine, nativePath, powershellLine, unquotable } from "./command-line.ts";

const POSIX: HookProgram = {
  platform: "linux",
  script: "/d/hookspan/hooks/hookspan.sh",
  twin: "/d/hook.cjs",
  node: "/bin/node",
};
const WINDOWS: HookProgram = {
  platform: "win32",
  script: "C:\\Users\\Ren\u00e9 O'X\\hookspan\\hooks\\hookspan.sh",
  twin: "C:\\Users\\Ren\u00e9 O'X\\hookspan\\dist\\hook.cjs",
  node: "C:\\Program Files\\nodejs\\node.exe",
};

test("a plain path stands as it is", () => {
  expect(commandLine(POSIX, ["codex"])).toBe("/d/hookspan/hooks/hookspan.sh codex");
});

test.for(["/a b", "/a'b", "/a$HOME`x`", '/a"b\\c', "/ä*?", "~/x"])("sh reads %s as it was meant", (script) => {
  const line = commandLine({ ...POSIX, script }, ["codex"]);
  expect(execFileSync("sh", ["-c", `printf '%s|' ${line}`], { encoding: "utf8" })).toBe(`${script}|codex|`);
});

describe("Windows", () => {
  test("a line that Git Bash, PowerShell and cmd.exe read alike", () => {
    const line = `node "C:/Users/Ren\u00e9 O'X/hookspan/dist/hook.cjs" copilot-cli stop`;
    expect(commandLine(WINDOWS, ["copilot-cli", "stop"])).toBe(line);
    expect(execFileSync("sh", ["-c", `printf '%s|' ${line}`], { encoding: "utf8" })).toBe(
      "node|C:/Users/Ren\u00e9 O'X/hookspan/dist/hook.cjs|copilot-cli|stop|",
    );
  });

  test("PowerShell's own line names Node by its path", () => {
    expect(powershellLine(WINDOWS, ["a"])).toBe(
      "& 'C:\\Program Files\\nodejs\\node.exe' 'C:\\Users\\Ren\u00e9 O''X\\hookspan\\dist\\hook.cjs' a",
    );
  });

  test("what shells read differently is refused", () => {
    expect(unquotable(WINDOWS)).toBeUndefined();
    expect(unquotable({ ...WINDOWS, twin: "C:\\$x\\hook.cjs" })).toMatch(/has a \$/);
    expect(unquotable({ ...POSIX, twin: "/$x" })).toBeUndefined();
  });

  test.for([
    ["/c/Users/me", "C:\\Users\\me"],
    ["/cygdrive/d/x", "D:\\x"],
    ["/c", "C:\\"],
    ["C:/Users/me", "C:\\Users\\me"],
    ["C:\\Users\\me", "C:\\Users\\me"],
  ] as const)("%s is %s", ([from, to]) => {
    expect(nativePath(from, "win32")).toBe(to);
    expect(nativePath(from, "linux")).toBe(from);
  });
});

test.for<[string, boolean]>([
  ["/d/hookspan/hooks/hookspan.sh codex", true],
  ["'/my d/hookspan.sh' codex", true],
  ["sh ~/hookspan/hooks/hookspan.sh codex SessionEnd", true],
  ['node "C:/x/hookspan/dist/hook.cjs" codex', true],
  ["/d/hookspan.sh codex2", false],
  ["/d/hookspan.sh claude-code", false],
  ["/d/hookspan-wrap.sh codex -- mine", false],
  ["/d/my-hookspan.sh codex", false],
  ["node /other/hook.cjs codex", false],
])("%s is ours: %s", ([line, is]) => {
  expect(isHookLine(line, "codex")).toBe(is);
});
