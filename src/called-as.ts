import { realpathSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** How to call this program in a shell: by its name where PATH leads to it, else as `node` and its path. */
export function calledAs(program: string, path: string): string {
  const real = realOf(program);
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  if (folders.some((folder) => realOf(join(folder, "hookspan")) === real)) return "hookspan";
  return /^[\w./+@%:-]+$/.test(program) ? `node ${program}` : `node '${program.replaceAll("'", String.raw`'\''`)}'`;
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
