import { join } from "node:path";

import { expect, test } from "vitest";

import type { Read } from "../plan.ts";
import { claudeLevels, claudeLevelsFinding } from "./claude-levels.ts";

const USER = "/home/me/.claude/settings.json";
const PROJECT = "/work/.claude/settings.json";
const LOCAL = "/work/.claude/settings.local.json";
const MANAGED = "/etc/claude-code/managed-settings.json";

test.for<[string, Record<string, object>, RegExp | undefined]>([
  ["nothing", {}, undefined],
  ["the user", { [USER]: { disableAllHooks: true } }, /^\/home\/me\/.*\(user\) switches all hooks off/],
  ["the project over the user", { [USER]: {}, [PROJECT]: { disableAllHooks: true } }, /\(project\)/],
  [
    "local settings that allow them again",
    { [PROJECT]: { disableAllHooks: true }, [LOCAL]: { disableAllHooks: false } },
    undefined,
  ],
  ["a policy", { [MANAGED]: { disableAllHooks: true }, [LOCAL]: { disableAllHooks: false } }, /\(managed\)/],
  [
    "a policy of managed hooks",
    { [MANAGED]: { allowManagedHooksOnly: true } },
    /^the managed policy .* allows managed hooks only/,
  ],
  ["the same word by a user, which is none", { [USER]: { allowManagedHooksOnly: true } }, undefined],
])("hooks are hidden by %s", ([, files, text]) => {
  const around = { env: { HOME: "/home/me" }, platform: "linux" as const, project: "/work" };
  const finding = claudeLevelsFinding(claudeLevels(around, reading(files)));
  expect(finding).toMatchObject({
    verdict: text === undefined ? "ok" : "fail",
    text: expect.stringMatching(text ?? /^no level/),
  });
});

function reading(files: Record<string, object>): Read {
  return (path) => {
    const value = files[join(path)];
    if (value === undefined) return { status: "absent", path, real: path, locked: undefined };
    return { status: "present", path, real: path, bytes: Buffer.from(JSON.stringify(value)), locked: undefined };
  };
}
