import { join } from "node:path";

import { programPath } from "../support/hook-tree.ts";
import { testWrapper, type Wrapper } from "./wrap-suite.ts";

const PACKAGE = join(import.meta.dirname, "..", "..");

const HOOKS = ["hooks/hookspan-wrap.sh", "hooks/hookspan-wrap-report.sh", "hooks/hookspan.sh"];

const wrappers: Wrapper[] = [
  sh("dash", "dash"),
  sh("busybox sh", "busybox", "sh"),
  sh("bash", "bash"),
  sh("bash --posix", "bash", "--posix"),
  { ...sh("dash, where /dev/fd opens no pipe", "dash"), edit: (script) => script.replaceAll("/dev/fd/", "/dev/no/") },
  node("node"),
];

for (const wrapper of wrappers) testWrapper(wrapper);

function sh(name: string, program: string, ...args: string[]): Wrapper {
  const files = HOOKS.map((file) => [join(PACKAGE, file), file] as const);
  return { name, files, runner: (root) => [programPath(program), ...args, join(root, "hooks/hookspan-wrap.sh")] };
}

function node(name: string): Wrapper {
  const files = ["dist/hookspan.cjs", "dist/hook.cjs"].map((file) => [join(PACKAGE, file), file] as const);
  return { name, files, runner: (root) => [process.execPath, join(root, "dist/hookspan.cjs"), "wrap"] };
}
