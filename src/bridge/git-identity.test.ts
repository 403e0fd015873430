import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../../test/support/temp-state.ts";
import { gitIdentity } from "./git-identity.ts";

test.each([
  [
    "as git writes it",
    "[user]\n\temail = me@example.org\n\tname = Me Myself\n",
    { email: "me@example.org", name: "Me Myself" },
  ],
  ["in quotes, with a comment", '[user]\nname = "Me" # that is me\nemail=me@x ; mine\n', { email: "me@x", name: "Me" }],
  ["in any case, on one line", "[USER] Email = me@x\n", { email: "me@x" }],
  ["of another section", '[sendemail]\nemail = no@x\n[user "work"]\nname = No\n', {}],
  ["empty", "[user]\nname =\nemail\n", {}],
  ["said twice", "[user]\nname = A\n[core]\nx = y\n[user]\nname = B\n", { name: "B" }],
  ["other keys of the section", "[user]\nsigningkey = SECRET\nuseConfigOnly = true\n", {}],
])("%s", (_, text, expected) => {
  const home = tempDirectory();
  writeFileSync(join(home, ".gitconfig"), text);
  expect(gitIdentity(home)).toEqual(expected);
});

test("both files count, key by key, and ~/.gitconfig goes first; links are followed", () => {
  const home = tempDirectory();
  const xdg = join(home, "xdg");
  mkdirSync(join(xdg, "git"), { recursive: true });
  writeFileSync(join(xdg, "git", "config"), "[user]\nname = Xdg\nemail = xdg@x\n");
  writeFileSync(join(home, "dotfile"), "[user]\nemail = home@x\n");
  symlinkSync(join(home, "dotfile"), join(home, ".gitconfig"));
  expect(gitIdentity(home, xdg)).toEqual({ name: "Xdg", email: "home@x" });
});

test("no file, nobody", () => {
  expect(gitIdentity(tempDirectory())).toEqual({});
});
