// The service as its manager would run it: the words of the written unit, read as systemd reads them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test, vi } from "vitest";

import { verified } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { installWhole, kill, WAIT } from "../support/installed.ts";

test("what the unit starts is the bridge of the hooks' state directory, from the installed hook", async () => {
  const installed = await installWhole();
  const home = String(installed.env["HOME"]);
  const bin = join(installed.tree.root, "bin");
  mkdirSync(bin);
  // The machine that runs the tests may have a manager of its own.
  writeFileSync(join(bin, "systemctl"), "#!/bin/sh\nexit 0\n");
  chmodSync(join(bin, "systemctl"), 0o755);
  const env = { PATH: bin };
  expect(await installed.run(["install", "--hook-only", "--yes"], env)).toMatchObject({ code: 0, stderr: "" });
  expect(await installed.run(["service", "install", "--yes"], env)).toMatchObject({ code: 0, stderr: "" });
  expect(await installed.run(["service", "status"], env)).toMatchObject({ code: 0, stderr: "" });

  const unit = readFileSync(join(home, ".config", "systemd", "user", "hookspan.service"), "utf8");
  const [, program = "", bundle = "", ...more] =
    /^ExecStart=("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*") bridge$/m.exec(unit) ?? [];
  expect(more).toEqual([]);
  const variables = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, word = ""]) => read(word).split("=", 2));
  const child = spawn(read(program), [read(bundle).replaceAll("$$", "$"), "bridge"], {
    // Nothing of the shell's but what the unit says.
    env: { HOME: home, PATH: installed.env["PATH"], ...Object.fromEntries(variables) },
  });
  const ended = once(child, "exit");
  try {
    await vi.waitFor(async () => expect((await verified(realDisk, installed.state)).status).toBe("verified"), WAIT);
    expect(await installed.bridge()).toBe(child.pid);
  } finally {
    kill(child.pid ?? 0, "SIGTERM");
  }
  expect(await ended).toEqual([0, null]);

  expect((await installed.run(["uninstall", "--purge", "--yes"], env)).stderr).toMatch(
    /`hookspan service uninstall` first/,
  );
  expect(await installed.run(["service", "uninstall", "--yes"], env)).toMatchObject({ code: 0, stderr: "" });
  expect(await installed.run(["uninstall", "--purge", "--yes"], env)).toMatchObject({ code: 0, stderr: "" });
});

/** A quoted word of systemd. */
function read(word: string): string {
  return word.slice(1, -1).replaceAll(/\\(.)/g, "$1").replaceAll("%%", "%");
}
