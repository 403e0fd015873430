/** A machine for the installer: a home, a project and a package of their own, in one temporary directory. */

import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";

import { expect, onTestFinished } from "vitest";

import { installCommand, uninstallCommand } from "../../src/commands/install.ts";
import { serviceCommand } from "../../src/commands/service.ts";
import { placesIn } from "./home-places.ts";
import { tempDirectory } from "./temp-state.ts";

const PACKAGE = join(import.meta.dirname, "..", "..");

export type FakeMachine = {
  root: string;
  home: string;
  project: string;
  /** Where the installed hook goes. */
  data: string;
  env: NodeJS.ProcessEnv;
  /** `reason` is what goes to stderr, with exit code 1; a mistake on the command line is thrown. */
  install(...args: string[]): Promise<Said>;
  uninstall(...args: string[]): Promise<Said>;
  service(...args: string[]): Promise<Said>;
  /** As `install`, in a terminal, where somebody types these answers. */
  installAsked(answers: string[], ...args: string[]): Promise<Said>;
  write(path: string, text: string | Uint8Array): void;
  /** A program in PATH that prints this. */
  program(name: string, output: string): void;
  /** A program in PATH: the lines of a shell script, which finds no other program. */
  script(name: string, ...lines: string[]): void;
  /** Everything in `root` but the package: path to kind, mode and content. */
  snapshot(): Record<string, string>;
};

export type Said = { output: string; reason: string | undefined };

/** Fails after the test if the places of the home of whoever runs it have been touched. */
export function createFakeMachine(platform: "linux" | "darwin" | "win32" = "linux"): FakeMachine {
  const root = tempDirectory();
  const [home, project, around, bin] = ["home", "project", "package", "bin"].map((name) => join(root, name));
  if (!home || !project || !around || !bin) throw new Error("four names give four paths");
  for (const directory of [home, project, bin, join(around, "dist")]) mkdirSync(directory, { recursive: true });
  cpSync(join(PACKAGE, "hooks"), join(around, "hooks"), { recursive: true });
  const running = join(around, "dist", "hookspan.cjs");
  writeFileSync(running, "// the bundle\n");
  writeFileSync(join(around, "dist", "hook.cjs"), "// the hook's twin\n");
  const env = { HOME: home, PATH: bin };
  const before = placesIn(homedir());
  onTestFinished(() => expect(placesIn(homedir())).toEqual(before));

  const processWith = (output: PassThrough, answers?: string[]) => ({
    env,
    platform,
    directory: project,
    input: Object.assign(new PassThrough(), { isTTY: answers !== undefined }),
    output: Object.assign(output, { isTTY: answers !== undefined }),
    running,
    node: "/opt/node/bin/node",
  });
  const script = (name: string, ...lines: string[]): void => {
    const path = join(bin, name);
    writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"));
    chmodSync(path, 0o755);
  };
  return {
    root,
    home,
    project,
    data: join(home, ".local", "share", "hookspan"),
    env,
    install: (...args) => said((output) => installCommand(args, processWith(output))),
    uninstall: (...args) =>
      said((output) =>
        uninstallCommand(args, processWith(output), () => ({ home: join(root, "state"), run: async () => undefined })),
      ),
    service: (...args) => said((output) => serviceCommand(args, processWith(output))),
    installAsked: (answers, ...args) =>
      said((output) => {
        const asked = processWith(output, answers);
        const waiting = [...answers];
        output.on("data", (chunk: string) => {
          if (chunk.includes("[y/N]")) asked.input.write(`${waiting.shift() ?? ""}\n`);
        });
        return installCommand(args, asked);
      }),
    write(path, text) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    },
    program: (name, output) => script(name, `echo '${output}'`),
    script,
    snapshot: () => Object.fromEntries([home, project].flatMap((path) => entriesBelow(path))),
  };
}

async function said(run: (output: PassThrough) => Promise<string | undefined>): Promise<Said> {
  const output = new PassThrough();
  let text = "";
  output.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const reason = await run(output);
  return { output: text + String(output.read() ?? ""), reason };
}

function entriesBelow(directory: string): [string, string][] {
  return readdirSync(directory).flatMap((name): [string, string][] => {
    const path = join(directory, name);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) return [[path, `link to ${readlinkSync(path)}`]];
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isDirectory()) return [[path, `directory ${mode}`], ...entriesBelow(path)];
    return [[path, `file ${mode} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`]];
  });
}
