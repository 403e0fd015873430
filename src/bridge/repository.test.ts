import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createRepositoryNames, repositoryName } from "./repository.ts";

let directory: string;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "hookspan-repository-")));
});

afterEach(() => rmSync(directory, { recursive: true }));

test.for([
  ["https://github.com/owner/widget.git", "widget"],
  ["https://github.com/owner/widget", "widget"],
  ["https://github.com/owner/widget/", "widget"],
  ["https://user:hunter2@github.com/owner/widget.git", "widget"],
  ["https://host/owner/widget.git?token=hunter2#x", "widget"],
  ["https://dev.azure.com/o/p/_git/My%20Widget", "My Widget"],
  ["ssh://git@host:2222/owner/widget.git", "widget"],
  ["git@github.com:owner/widget.git", "widget"],
  ["git@github.com:widget.git", "widget"],
  ["/srv/git/widget.git", "widget"],
  ["../widget", "widget"],
  ["file:///srv/widget/.git", "widget"],
  ["https://user:hunter2@host", "folder"],
  ["https://hunter2@host/", "folder"],
  ["https://user:hun/ter2@host", "folder"],
  ["..", "folder"],
] as const)("origin %s", ([url, name]) => {
  git("init", "-q", "folder");
  git("-C", "folder", "remote", "add", "origin", url);
  expect(repositoryName(join(directory, "folder"))).toBe(name);
});

describe("without an origin", () => {
  beforeEach(() => {
    git("init", "-q", "main");
    git(
      "-C",
      "main",
      "-c",
      "user.name=n",
      "-c",
      "user.email=e@example.org",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      "m",
    );
  });

  test("the folder's name, from any depth", () => {
    mkdirSync(join(directory, "main", "a", "b"), { recursive: true });
    expect(repositoryName(join(directory, "main", "a", "b"))).toBe("main");
  });

  test("another remote is none", () => {
    git("-C", "main", "remote", "add", "upstream", "https://h/o/other.git");
    expect(repositoryName(join(directory, "main"))).toBe("main");
  });

  test("a linked worktree has its main worktree's name", () => {
    git("-C", "main", "worktree", "add", "-q", "../feature-x");
    expect(repositoryName(join(directory, "feature-x"))).toBe("main");
  });

  test("a worktree of a bare repository has the repository's name", () => {
    git("clone", "-q", "--bare", "main", "central.git");
    git("-C", "central.git", "remote", "remove", "origin");
    git("-C", "central.git", "worktree", "add", "-q", "../feature-x");
    expect(repositoryName(join(directory, "feature-x"))).toBe("central");
  });

  test("a submodule has its own name", () => {
    git("clone", "-q", "main", "outer");
    git(
      "-c",
      "protocol.file.allow=always",
      "-C",
      "outer",
      "submodule",
      "--quiet",
      "add",
      join(directory, "main"),
      "inner",
    );
    expect(repositoryName(join(directory, "outer", "inner"))).toBe("main");
    git("-C", "outer/inner", "remote", "remove", "origin");
    expect(repositoryName(join(directory, "outer", "inner"))).toBe("inner");
  });

  test("a link into it is followed", () => {
    mkdirSync(join(directory, "main", "a"));
    symlinkSync(join(directory, "main", "a"), join(directory, "link"));
    expect(repositoryName(join(directory, "link"))).toBe("main");
  });

  test("a directory that is no more still has its repository", () => {
    expect(repositoryName(join(directory, "main", "gone", "deeper"))).toBe("main");
  });
});

describe("what is no repository", () => {
  test.for([
    ["no .git at all", () => {}],
    ["an empty .git", () => mkdirSync(join(directory, ".git"))],
    ["a .git that is a FIFO", () => execFileSync("mkfifo", [join(directory, ".git")])],
    ["a .git file that says nothing", () => writeFileSync(join(directory, ".git"), "hello\n")],
    ["a gitdir that leads nowhere", () => writeFileSync(join(directory, ".git"), "gitdir: /nowhere/x\n")],
    ["a gitdir that is a FIFO", () => fifoGitDirectory()],
  ] as const)("%s", ([, make]) => {
    make();
    expect(repositoryName(directory)).toBeUndefined();
  });

  test.for([["relative/path"], [""], ["/nul\0byte"], ["/"]] as const)("the path %j", ([cwd]) => {
    expect(repositoryName(cwd)).toBeUndefined();
  });

  test("a directory more than 64 levels below it", () => {
    git("init", "-q", "main");
    const deep = join(directory, "main", "d/".repeat(63));
    expect([repositoryName(deep), repositoryName(join(deep, "d"))]).toEqual(["main", undefined]);
  });
});

test("a config that is a FIFO hangs nobody", () => {
  git("init", "-q", "main");
  rmSync(join(directory, "main/.git/config"));
  execFileSync("mkfifo", [join(directory, "main/.git/config")]);
  expect(repositoryName(join(directory, "main"))).toBe("main");
});

test("names are remembered, directories without one are looked at again", () => {
  const nameOf = createRepositoryNames();
  const cwd = join(directory, "main");
  mkdirSync(cwd);
  expect(nameOf(cwd)).toBeUndefined();
  git("init", "-q", "main");
  expect(nameOf(cwd)).toBe("main");
  rmSync(join(cwd, ".git"), { recursive: true });
  expect(nameOf(cwd)).toBe("main");
});

test("only the last 256 names are remembered", () => {
  const nameOf = createRepositoryNames();
  git("init", "-q", "main");
  const directories = Array.from({ length: 257 }, (_, i) => join(directory, "main", String(i)));
  directories.forEach(nameOf);
  rmSync(join(directory, "main/.git"), { recursive: true });
  expect([nameOf(directories[0] ?? ""), nameOf(directories[1] ?? "")]).toEqual([undefined, "main"]);
});

function fifoGitDirectory(): void {
  writeFileSync(join(directory, ".git"), "gitdir: fifo\n");
  execFileSync("mkfifo", [join(directory, "fifo")]);
}

function git(...args: string[]): void {
  // The user's own git configuration must not decide.
  const env = { PATH: process.env["PATH"], HOME: directory, GIT_CONFIG_NOSYSTEM: "1" };
  execFileSync("git", args, { cwd: directory, env, stdio: ["ignore", "ignore", "pipe"] });
}
