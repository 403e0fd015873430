/** Disks that fail on purpose, put around another one. */

import type { Disk } from "../../src/store/disk.ts";

const CALLS = [
  "open",
  "write",
  "fsync",
  "read",
  "names",
  "facts",
  "rename",
  "link",
  "unlink",
  "makeDirectory",
  "chmod",
  "empty",
  "setTime",
] as const;

type Call = (typeof CALLS)[number];

/** The process of a `crashingDisk` has died; nothing it does from here on has an effect. */
export class Crash extends Error {}

/**
 * Dies at call number `at` (from 0): `before` it has an effect or `after`; a write has half an effect. All later calls
 * throw too. `hasCrashed` tells whether the run was long enough to get there.
 */
export function crashingDisk(inner: Disk, at: number, when: "before" | "after"): Disk & { hasCrashed(): boolean } {
  let count = 0;
  let crashed = false;
  const disk = aroundDisk(inner, (call, run, args) => {
    if (crashed) throw new Crash(`${call} of a dead process`);
    if (count !== at) {
      count += 1;
      return run();
    }
    crashed = true;
    if (when === "after") run();
    else if (call === "write") tear(inner, args);
    throw new Crash(`crash ${when} ${call} ${String(args[0])}`);
  });
  return { ...disk, hasCrashed: () => crashed };
}

/** Runs down with each call of a `mortalDisk`, over several of its lives if need be. */
export type Fuse = { callsLeft: number; when: "before" | "after" };

/**
 * Dies when its fuse has run down, or by `kill`. The fuse may be lit at any time. `onDeath` is called once, before the
 * call that died throws.
 */
export function mortalDisk(
  inner: Disk,
  fuse: () => Fuse | undefined,
  onDeath: () => void,
): Disk & { kill(): void; isDead(): boolean } {
  let dead = false;
  const kill = (): void => {
    if (dead) return;
    dead = true;
    onDeath();
  };
  const disk = aroundDisk(inner, (call, run, args) => {
    if (dead) throw new Crash(`${call} of a dead process`);
    const burning = fuse();
    if (burning === undefined) return run();
    burning.callsLeft -= 1;
    if (burning.callsLeft >= 0) return run();
    if (burning.when === "after") run();
    else if (call === "write") tear(inner, args);
    kill();
    throw new Crash(`crash ${burning.when} ${call} ${String(args[0])}`);
  });
  return { ...disk, kill, isDead: () => dead };
}

/** Fails `times` times from call number `at` of the given kinds on, as a full disk does, and then works again. */
export function failingDisk(inner: Disk, calls: Call[], code: string, at: number, times: number): Disk {
  let count = 0;
  return aroundDisk(inner, (call, run, args) => {
    if (!calls.includes(call)) return run();
    const failing = count >= at && count < at + times;
    count += 1;
    if (!failing) return run();
    if (call === "write") tear(inner, args);
    throw Object.assign(new Error(`${code}: ${call}`), { code });
  });
}

/** Whenever `isFull` says so, a call that needs room fails as on a full disk; a write with half an effect. */
export function roomlessDisk(inner: Disk, isFull: () => boolean): Disk {
  return aroundDisk(inner, (call, run, args) => {
    const needsRoom = call === "write" || call === "link" || (call === "open" && args[1] !== "r");
    if (!needsRoom || !isFull()) return run();
    if (call === "write") tear(inner, args);
    throw Object.assign(new Error(`ENOSPC: ${call}`), { code: "ENOSPC" });
  });
}

function tear(inner: Disk, [fd, bytes]: unknown[]): void {
  if (typeof fd === "number" && bytes instanceof Uint8Array) inner.write(fd, bytes.subarray(0, bytes.length / 2));
}

/** `close` always works: descriptors of a dead process are closed by the system. */
function aroundDisk(inner: Disk, around: <T>(call: Call, run: () => T, args: unknown[]) => T): Disk {
  return {
    close: (fd) => inner.close(fd),
    open: (...args) => around("open", () => inner.open(...args), args),
    write: (...args) => around("write", () => inner.write(...args), args),
    fsync: (...args) => around("fsync", () => inner.fsync(...args), args),
    fsyncAside: async (...args) => around("fsync", () => inner.fsyncAside(...args), args),
    read: (...args) => around("read", () => inner.read(...args), args),
    names: (...args) => around("names", () => inner.names(...args), args),
    facts: (...args) => around("facts", () => inner.facts(...args), args),
    rename: (...args) => around("rename", () => inner.rename(...args), args),
    link: (...args) => around("link", () => inner.link(...args), args),
    unlink: (...args) => around("unlink", () => inner.unlink(...args), args),
    makeDirectory: (...args) => around("makeDirectory", () => inner.makeDirectory(...args), args),
    chmod: (...args) => around("chmod", () => inner.chmod(...args), args),
    empty: (...args) => around("empty", () => inner.empty(...args), args),
    setTime: (...args) => around("setTime", () => inner.setTime(...args), args),
  };
}
