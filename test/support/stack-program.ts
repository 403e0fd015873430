/** The real programs that the stack tests run against: where they lie, or why there is none. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

type StackProgram = {
  name: string;
  /** Names the program's path, for those who have one. */
  variable: string;
  /** What the build script is a function of; its hash names the directory of what was built. */
  manifest: string;
  /** Below that directory. */
  file: string;
  buildScript: string;
};

export type FoundProgram =
  | { status: "found"; path: string }
  | { status: "missing"; reason: string; isFailure: boolean };

export const COLLECTOR = {
  name: "collector",
  variable: "HOOKSPAN_COLLECTOR",
  manifest: "collector-config/builder.yaml",
  file: "otelcol-hookspan",
  buildScript: "test/support/build-collector.sh",
} as const satisfies StackProgram;

export const PROMETHEUS = {
  name: "prometheus",
  variable: "HOOKSPAN_PROMETHEUS",
  manifest: "test/support/prometheus-tool/go.mod",
  file: "prometheus",
  buildScript: "test/support/build-prometheus.sh",
} as const satisfies StackProgram;

/**
 * Looks for the program that the build script made, or that the variable names. Where HOOKSPAN_REQUIRE_STACK=1 says that it
 * must be there, as `.ci/run` does once it has built it, its absence is a failure; else its tests are left out, and said so.
 */
export function findStackProgram(program: StackProgram): FoundProgram {
  const named = process.env[program.variable];
  const path = named ?? join(cacheHome(), "hookspan", program.name, hashOf(program.manifest), program.file);
  if (existsSync(path)) return { status: "found", path };
  const isFailure = named !== undefined || process.env["HOOKSPAN_REQUIRE_STACK"] === "1";
  const why = named === undefined ? "" : `, and ${program.variable} names ${named}, which is not there`;
  return {
    status: "missing",
    reason: isFailure
      ? `no ${program.name} for the stack tests${why}; run ${program.buildScript} once`
      : `no ${program.name} in ${path}; ${program.buildScript} builds it with Go; see CONTRIBUTING.md`,
    isFailure,
  };
}

/** The program's path; undefined if its tests are to be left out. @throws Error with what to do, if they must not be. */
export function stackProgram(program: StackProgram): string | undefined {
  const found = findStackProgram(program);
  if (found.status === "found") return found.path;
  if (found.isFailure) throw new Error(found.reason);
  return undefined;
}

function cacheHome(): string {
  return process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
}

function hashOf(file: string): string {
  return createHash("sha256")
    .update(readFileSync(join(ROOT, file)))
    .digest("hex")
    .slice(0, 16);
}
