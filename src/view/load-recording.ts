/** Reads a recorded session from a folder: `hooks.jsonl`, and the transcripts that the agent wrote meanwhile. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import * as z from "zod";

/** All times are those of the recording, in nanoseconds since the epoch; all paths those of the recorded machine. */
export type Recording = {
  /** The first hook. */
  startNs: bigint;
  /** The recorded user's home directory: what a replay has to put another directory in place of. */
  home: string;
  /** `stdin` holds the payload's bytes as the agent sent them; `env` what the recording kept of the hook's environment. */
  hooks: { atNs: bigint; event: string; stdin: string; env?: Record<string, string> }[];
  /** A line without a time of its own has that of the line before. */
  transcripts: { path: string; lines: { atNs: bigint; text: string }[] }[];
  /** Small files beside a subagent's transcript that say which call launched it. */
  metas: { path: string; atNs: bigint; text: string }[];
};

/** Throws if the folder has no `hooks.jsonl` or one that is not understood. */
export function loadRecording(dir: string): Recording {
  const calls = linesOf(join(dir, "hooks.jsonl")).map((line) => hookLine.parse(JSON.parse(line)));
  const hooks = calls.map(({ ts_ns, event, stdin, env }) => ({
    atNs: BigInt(ts_ns),
    event,
    stdin: bytesOf(stdin),
    ...(env === undefined ? {} : { env }),
  }));
  const first = hooks[0];
  if (!first) throw new Error(`${join(dir, "hooks.jsonl")} holds no hook call; it must hold one per line`);
  const named = namedPaths(calls);
  const home = /^(.+?)\/\./.exec([...named.keys()][0] ?? "")?.[1] ?? "/home/user";
  const files = filesBelow(dir).map((file) => ({
    file,
    path: recordedPath(relative(dir, file), home, named),
  }));
  const transcripts = files
    .filter(({ path }) => path?.endsWith(".jsonl"))
    .map(({ file, path = "" }) => ({
      path,
      lines: timedLines(linesOf(file), named.get(path) ?? first.atNs),
    }));
  const metas = files
    .filter(({ path }) => path?.endsWith(".meta.json"))
    .map(({ file, path = "" }) => ({
      path,
      atNs: metaTime(path, transcripts),
      text: readFileSync(file, "utf8"),
    }));
  return { startNs: first.atNs, home, hooks, transcripts, metas };
}

const payload = z.looseObject({ transcript_path: z.string().nullish() });
// A payload stays as it is: an object schema would put the keys that it knows in front.
const hookLine = z.looseObject({
  ts_ns: z.string(),
  event: z.string(),
  stdin: z.union([z.string(), z.record(z.string(), z.unknown())]),
  env: z.record(z.string(), z.string()).optional(),
});
const transcriptLine = z.looseObject({
  type: z.string().optional(),
  timestamp: z.string().optional(),
  /** Gemini CLI writes a message again, with its old time, once its tool calls have ended. */
  toolCalls: z.array(z.looseObject({ timestamp: z.string().optional() })).optional(),
});

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Agents write compact JSON and a newline, so the bytes come out as they were. */
function bytesOf(stdin: unknown): string {
  return typeof stdin === "string" ? stdin : `${JSON.stringify(stdin)}\n`;
}

/** Transcript paths that payloads name, with the time of the first call that names each. */
function namedPaths(calls: z.infer<typeof hookLine>[]): Map<string, bigint> {
  const named = new Map<string, bigint>();
  for (const { ts_ns, stdin } of calls) {
    const { transcript_path } = payload.parse(typeof stdin === "string" ? JSON.parse(stdin) : stdin);
    if (transcript_path && !named.has(transcript_path)) named.set(transcript_path, BigInt(ts_ns));
  }
  return named;
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { encoding: "utf8", recursive: true })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

/** Claude Code's transcripts keep their folders below `transcripts/`; other agents' lie beside the hooks, under the name they had. */
function recordedPath(file: string, home: string, named: Map<string, bigint>): string | undefined {
  const parts = file.split(/[\\/]/);
  if (parts[0] === "transcripts") return [home, ".claude", "projects", ...parts.slice(1)].join("/");
  const name = basename(file).replace(/^chat-/, "");
  return [...named.keys()].find((path) => basename(path) === name);
}

/** No line is older than the first hook that names its file: a fork begins with copies of lines that keep their old times. */
function timedLines(lines: string[], notBeforeNs: bigint): { atNs: bigint; text: string }[] {
  let latestNs = notBeforeNs;
  return lines.map((text) => {
    const { timestamp, toolCalls = [] } = transcriptLine.parse(JSON.parse(text));
    for (const time of [timestamp, ...toolCalls.map((call) => call.timestamp)]) {
      const ownNs = time === undefined ? 0n : BigInt(Date.parse(time)) * 1_000_000n;
      if (ownNs > latestNs) latestNs = ownNs;
    }
    return { atNs: latestNs, text };
  });
}

/** The file is there when the subagent calls its first tool: so, with the first answer in the transcript beside it. */
function metaTime(path: string, transcripts: Recording["transcripts"]): bigint {
  const beside = transcripts.find((transcript) => transcript.path === path.replace(/\.meta\.json$/, ".jsonl"));
  const answer = beside?.lines.find(({ text }) => transcriptLine.parse(JSON.parse(text)).type === "assistant");
  return answer?.atNs ?? beside?.lines.at(-1)?.atNs ?? 0n;
}
