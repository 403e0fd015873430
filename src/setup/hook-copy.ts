/**
 * The hook at a place of its own, which no version is part of and which outlives the npm package: agents are given its path. With
 * it goes the bundle that it starts, laid out as in the package.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { HookProgram } from "./command-line.ts";

/** A file that the installation consists of. */
export type InstalledFile = { path: string; bytes: Buffer; mode: number };

/** The hook of an installation in `data`. */
export function hookProgram(data: string, platform: NodeJS.Platform, node: string): HookProgram {
  return { platform, node, script: join(data, "hooks", "hookspan.sh"), twin: join(data, "dist", "hook.cjs") };
}

/**
 * What an installation in `data` consists of, from the package that the running bundle belongs to.
 * @throws the disk's own error if the package is not whole.
 */
export function installedFiles(running: string, data: string, node: string): InstalledFile[] {
  const bundle = join(data, "dist", "hookspan.cjs");
  const hooks = join(dirname(running), "..", "hooks");
  const scripts = readdirSync(hooks).filter((name) => name.endsWith(".sh"));
  return [
    { path: bundle, bytes: readFileSync(running), mode: 0o755 },
    { path: join(data, "dist", "hook.cjs"), bytes: readFileSync(join(dirname(running), "hook.cjs")), mode: 0o755 },
    ...scripts.sort().map((name) => {
      const text = readFileSync(join(hooks, name), "utf8");
      return { path: join(data, "hooks", name), bytes: Buffer.from(bakedScript(text, bundle, node)), mode: 0o755 };
    }),
  ];
}

/** The OpenCode plugin with the paths of bundle and node in it. */
export function opencodePlugin(running: string, data: string, node: string): string {
  const text = readFileSync(join(dirname(running), "..", "hooks", "opencode", "hookspan.js"), "utf8");
  return text
    .replace(/^const BRIDGE = ".*";$/m, () => `const BRIDGE = ${JSON.stringify(join(data, "dist", "hookspan.cjs"))};`)
    .replace(/^const NODE = ".*";$/m, () => `const NODE = ${JSON.stringify(node)};`);
}

/** A shell script with the paths between the quotes that wait for them. */
function bakedScript(text: string, bundle: string, node: string): string {
  return text
    .replace(/^bridge='.*'$/m, () => `bridge=${quoted(bundle)}`)
    .replace(/^node='.*'$/m, () => `node=${quoted(node)}`);
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
