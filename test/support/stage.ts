/**
 * A stage for stories: hooks of Claude Code put envelopes into a real state directory, its transcript grows beside it, the
 * real bridge takes them in by a clock that the story sets, and the real exporter sends OTLP to a recorder.
 */

import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { onTestFinished } from "vitest";

import { createIdentities, type Identities } from "../../src/bridge/identities.ts";
import { openBridge, type OpenBridge } from "../../src/bridge/open-bridge.ts";
import type { Config } from "../../src/config/config.ts";
import { formatEnvelope } from "../../src/event/envelope.ts";
import { createLog } from "../../src/log.ts";
import { createExporter } from "../../src/otlp/exporter.ts";
import { realDisk, type Disk } from "../../src/store/disk.ts";
import { createStateDirectory, type StateDirectory } from "../../src/store/state-directory.ts";
import { exporterOptions } from "./otlp-exporter.ts";
import { createOtlpRecorder, type OtlpRecorder } from "./otlp-recorder.ts";
import { readSent, type Sent } from "./sent.ts";
import { tempDirectory } from "./temp-state.ts";

/** Seconds of a story begin here. */
export const EPOCH_S = 1_795_000_000;
export const MODEL = "claude-opus-5-5";

const NOBODY: Config["identity"] = {
  learn: false,
  user: {},
  organization: undefined,
  git: false,
  host: false,
  waitMs: 0,
};

const BOUNDS = {
  spoolBytes: 2 ** 29,
  outboxBytes: 2 ** 29,
  quarantineBytes: 2 ** 26,
  payloadBytes: 2 ** 25,
  ageMs: 14 * 86_400_000,
};

type Fields = Record<string, unknown>;

/** Of a hook: its session, its turn, its process, its agent if that is not Claude Code, and what else its payload has. */
export type HookOptions = {
  session?: string;
  run?: string;
  pid?: number | "none";
  agent?: string;
  env?: Record<string, string>;
};

export type Stage = {
  directory: StateDirectory;
  recorder: OtlpRecorder;
  /** By the real clock, as files have it. */
  identities: Identities;
  /** Processes that are gone; all others live. */
  dead: Set<number>;
  /** Which process has a number now; the first, where nothing is said. */
  births: Map<number, string>;
  /** A hook runs at `seconds`, and the bridge takes a step. */
  hook: (seconds: number, event: string, fields?: Fields, options?: HookOptions) => void;
  /** A hook runs, and no bridge sees it yet. */
  put: (seconds: number, event: string, fields?: Fields, options?: HookOptions) => void;
  /** Bytes instead of a payload; gives the path of the envelope. */
  putBytes: (seconds: number, payload: Uint8Array, options?: HookOptions) => string;
  /** A line of the transcript is written; the next step reads it. `file` is that of a subagent. */
  line: (seconds: number, type: string, fields: Fields, where?: { session?: string; subagent?: string }) => void;
  /** The model, asked a second before, answers with a message of this id. */
  answer: (
    seconds: number,
    message: string,
    run: string,
    usage?: unknown,
    where?: { session?: string; subagent?: string },
  ) => void;
  /** The client's last word on a turn. */
  settled: (seconds: number, run: string, where?: { session?: string }) => void;
  step: (seconds: number) => void;
  /** The bridge dies without a word, and another one begins. */
  restart: (disk?: Disk) => void;
  /** Sends what waits, and gives all that has arrived so far. */
  sent: () => Promise<Sent>;
};

export async function createStage(
  options: { disk?: Disk; bounds?: Partial<typeof BOUNDS>; identity?: Partial<Config["identity"]> } = {},
): Promise<Stage> {
  const root = tempDirectory();
  const directory = createStateDirectory(realDisk, join(root, "state"));
  const recorder = await createOtlpRecorder();
  const identities = createIdentities({
    disk: realDisk,
    directory,
    config: { bounds: BOUNDS, identity: { ...NOBODY, ...options.identity } },
    host: "a-host",
    git: () => ({}),
    log: createLog({ level: "error", file: directory.log }),
  });
  const exporter = createExporter({
    ...exporterOptions(recorder.endpoints),
    identityOf: (sessionId) => identities.attributesOf(sessionId, Date.now()),
  });
  onTestFinished(async () => {
    await recorder.close();
    await exporter.close();
  });
  const dead = new Set<number>();
  const births = new Map<number, string>();
  const birthOf = (pid: number): string => births.get(pid) ?? "first";
  let nowNs = at(0);
  let count = 0;
  let open: OpenBridge = start(options.disk ?? realDisk);

  const stage: Stage = {
    directory,
    recorder,
    identities,
    dead,
    births,
    hook(seconds, event, fields, given) {
      stage.put(seconds, event, fields, given);
      stage.step(seconds);
    },
    put(seconds, event, fields = {}, given = {}) {
      const { session = "s1", run } = given;
      const payload = {
        session_id: session,
        transcript_path: transcriptOf(session),
        cwd: "/home/user/project",
        hook_event_name: event,
        ...(run === undefined ? {} : { prompt_id: run }),
        ...fields,
      };
      stage.putBytes(seconds, Buffer.from(JSON.stringify(payload)), given);
    },
    putBytes(seconds, payload, { pid = 4242, agent = "claude-code", env = {} } = {}) {
      const id = `${String(count++).padStart(6, "0")}-story`;
      const marker = pid === "none" ? {} : { CLAUDE_PID: String(pid) };
      const own = { CLAUDE_CODE_ENTRYPOINT: "cli", ...marker, ...env };
      const path = join(directory.spool, `${id}.evt`);
      writeFileSync(path, formatEnvelope({ id, agent, timeNs: at(seconds), env: own, payload }), {
        mode: 0o600,
      });
      // Never before the header's time, or the header would be clamped.
      utimesSync(path, EPOCH_S + seconds + 0.001, EPOCH_S + seconds + 0.001);
      return path;
    },
    line(seconds, type, fields, { session = "s1", subagent } = {}) {
      const main = transcriptOf(session);
      const file = subagent === undefined ? main : `${main.slice(0, -6)}/subagents/agent-${subagent}.jsonl`;
      mkdirSync(dirname(file), { recursive: true });
      const timestamp = new Date((EPOCH_S + seconds) * 1000).toISOString();
      const uuid = `line-${count++}`;
      appendFileSync(file, `${JSON.stringify({ type, uuid, timestamp, version: "2.1.329", ...fields })}\n`);
    },
    answer(seconds, message, run, usage = { input_tokens: 10, output_tokens: 1 }, where) {
      const answered = { id: message, model: MODEL, stop_reason: "end_turn", usage, content: [] };
      const asked = { id: `req-${message}`, params: { model: MODEL } };
      stage.line(seconds - 1, "api-request", { promptId: run, ...asked }, where);
      const named = { promptId: run, requestRef: asked.id, requestedModel: MODEL };
      stage.line(seconds, "assistant", { ...named, message: answered }, where);
    },
    settled(seconds, run, where) {
      const summary = { subtype: "stop_hook_summary", hookInfos: [], hookErrors: [], preventedContinuation: false };
      stage.line(seconds, "system", { promptId: run, ...summary }, where);
    },
    step(seconds) {
      nowNs = at(seconds);
      open.bridge.step(nowNs, { commitNow: true });
    },
    restart(disk = realDisk) {
      open = start(disk);
    },
    async sent() {
      await open.delivery.sendSpans();
      nowNs += 1_000_000_000n;
      await open.delivery.sendMetrics(nowNs, { everything: true, own: [] });
      return readSent(recorder.requests, at(0));
    },
  };
  return stage;

  function start(disk: Disk): OpenBridge {
    return openBridge({
      disk,
      directory,
      config: {
        bounds: { ...BOUNDS, ...options.bounds },
        capture: "none",
        exclude: [],
        agents: undefined,
        mcpNames: {},
      },
      userPrices: undefined,
      exporter,
      isAlive: (pid, birth = "first") => !dead.has(pid) && birth === birthOf(pid),
      birthOf,
      repositoryOf: () => undefined,
      identities,
      about: { version: "0.0.0", osType: "linux" },
      log: createLog({ level: "error", file: directory.log }),
    });
  }

  function transcriptOf(session: string): string {
    return join(root, "projects", "project", `${session}.jsonl`);
  }
}

function at(seconds: number): bigint {
  return BigInt(EPOCH_S) * 1_000_000_000n + BigInt(Math.round(seconds * 1e6)) * 1000n;
}
