/** Small real disks that fill up, run out of names or turn read-only: tmpfs, mounted over a directory by root. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

export type MountAbility = { status: "able" } | { status: "unable"; reason: string; isFailure: boolean };

/**
 * Whether this process may mount. Where HOOKSPAN_REQUIRE_TMPFS=1 says that it must be, as `.ci/run` does where it has the
 * right to, it is a failure if not; else the tests are left out, and said so.
 */
export function mountAbility(): MountAbility {
  const directory = mkdtempSync(join(tmpdir(), "hookspan-mount-"));
  try {
    mount(directory, "size=64k");
    execFileSync("umount", [directory], { stdio: "ignore" });
    return { status: "able" };
  } catch {
    const isFailure = process.env["HOOKSPAN_REQUIRE_TMPFS"] === "1";
    return { status: "unable", reason: "a tmpfs can be mounted by root alone, and not in every container", isFailure };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** False if the tests are to be left out. @throws Error if they must not be. */
export function canMount(): boolean {
  const ability = mountAbility();
  if (ability.status === "able") return true;
  if (ability.isFailure) throw new Error(`HOOKSPAN_REQUIRE_TMPFS=1, but ${ability.reason}`);
  return false;
}

export type SmallDisk = { remount(options: "ro" | "rw"): void };

/** Mounts over `directory`, which it makes; unmounted after the test, once `before` has resolved. */
export function mountSmallDisk(directory: string, options: string, before: () => Promise<void>): SmallDisk {
  mkdirSync(directory, { recursive: true });
  mount(directory, `${options},mode=0700`);
  onTestFinished(async () => {
    execFileSync("mount", ["-o", "remount,rw", directory]);
    await before();
    execFileSync("umount", ["-l", directory]);
  });
  return { remount: (mode) => void execFileSync("mount", ["-o", `remount,${mode}`, directory]) };
}

function mount(directory: string, options: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "hookspan-test", directory], { stdio: "ignore" });
}
