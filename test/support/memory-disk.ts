/**
 * A disk in memory that forgets, at a power cut, what was not synced: content that no fsync of its file wrote, and names
 * that no fsync of their directory wrote. A real disk may keep some of it, so `powerCut` is told which directories' names
 * survive all the same.
 */

import { dirname } from "node:path";

import type { Disk } from "../../src/store/disk.ts";

type File = { content: Buffer; synced: Buffer; timeNs: bigint };
type Directory = { names: Map<string, File>; synced: Map<string, File> };

export type MemoryDisk = Disk & { powerCut(keepsNames: (directory: string) => boolean): void };

/** `nowNs` stamps new files; without it each gets a time of its own. */
export function createMemoryDisk(nowNs?: () => bigint): MemoryDisk {
  const directories = new Map<string, Directory>();
  const open = new Map<number, { file: File } | { directory: Directory }>();
  let nextFd = 3;
  let clockNs = 1_795_196_713_000_000_000n;

  function fsync(fd: number): void {
    const target = open.get(fd);
    if (target && "file" in target) target.file.synced = target.file.content;
    if (target && "directory" in target) target.directory.synced = new Map(target.directory.names);
  }

  return {
    open(path, flags) {
      nextFd += 1;
      const directory = directories.get(path);
      if (directory !== undefined) {
        open.set(nextFd, { directory });
        return nextFd;
      }
      const { names, name } = placeOf(path);
      const known = names.get(name);
      if (flags === "wx" && known !== undefined) fail("EEXIST", path);
      if (flags === "r" && known === undefined) fail("ENOENT", path);
      clockNs += 1n;
      const timeNs = nowNs?.() ?? clockNs;
      const file = known ?? { content: Buffer.alloc(0), synced: Buffer.alloc(0), timeNs };
      if (flags === "w") file.content = Buffer.alloc(0);
      names.set(name, file);
      open.set(nextFd, { file });
      return nextFd;
    },
    write(fd, bytes) {
      const target = open.get(fd);
      if (target && "file" in target) target.file.content = Buffer.concat([target.file.content, bytes]);
    },
    fsync,
    fsyncAside: async (fd) => fsync(fd),
    close: (fd) => void open.delete(fd),
    read: (path) => fileAt(path).content,
    names: (path) => [...(directories.get(path) ?? fail("ENOENT", path)).names.keys()],
    facts(path) {
      const known = { uid: process.getuid?.() ?? 0, mode: 0o700 };
      if (directories.has(path)) return { kind: "directory", sizeBytes: 0, mtimeNs: 0n, ctimeNs: 0n, ...known };
      const { content, timeNs } = fileAt(path);
      return { kind: "file", sizeBytes: content.length, mtimeNs: timeNs, ctimeNs: timeNs, ...known };
    },
    rename(from, to) {
      const file = fileAt(from);
      placeOf(to).names.set(placeOf(to).name, file);
      placeOf(from).names.delete(placeOf(from).name);
    },
    link: (existing, created) => void placeOf(created).names.set(placeOf(created).name, fileAt(existing)),
    unlink(path) {
      fileAt(path);
      placeOf(path).names.delete(placeOf(path).name);
    },
    makeDirectory: (path) => void directories.set(path, { names: new Map(), synced: new Map() }),
    chmod: () => {},
    empty: (path) => void (fileAt(path).content = Buffer.alloc(0)),
    setTime: (path, atNs) => void (fileAt(path).timeNs = atNs),
    powerCut(keepsNames) {
      open.clear();
      const files = new Set<File>();
      for (const [path, directory] of directories) {
        if (keepsNames(path)) directory.synced = new Map(directory.names);
        directory.names = new Map(directory.synced);
        for (const file of directory.names.values()) files.add(file);
      }
      for (const file of files) file.content = file.synced;
    },
  };

  function placeOf(path: string): { names: Map<string, File>; name: string } {
    const { names } = directories.get(dirname(path)) ?? fail("ENOENT", path);
    return { names, name: path.slice(dirname(path).length + 1) };
  }

  function fileAt(path: string): File {
    const { names, name } = placeOf(path);
    return names.get(name) ?? fail("ENOENT", path);
  }
}

function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: ${path}`), { code });
}
