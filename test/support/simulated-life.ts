/** Hours in the life of a state directory, on a clock that the test moves: real files, a real bridge, its real export clock. */

import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { createExportClock, type ExportClock } from "../../src/bridge/export-clock.ts";
import type { OpenBridge } from "../../src/bridge/open-bridge.ts";
import { formatEnvelope } from "../../src/event/envelope.ts";
import { createLog } from "../../src/log.ts";
import type { PriceTable } from "../../src/metric/price-table.ts";
import type { Exporter } from "../../src/otlp/exporter.ts";
import { openAt } from "./recorded-session.ts";

export type TokenCounts = { input: number; cacheRead: number; output: number };

export type Life = {
  nowNs(): bigint;
  /** A session and its run begin, in a repository of that name. */
  begin(session: string, repository: string): void;
  /** The transcript tells of a model call. */
  call(session: string, model: string, tokens: TokenCounts): void;
  /** Stop and end of the session. */
  end(session: string): void;
  /** The turn ends with an error, and with it the session. */
  fail(session: string): void;
  /** The agent has another version from now on. */
  update(version: string): void;
  /** A bridge takes over what is on disk. */
  startBridge(): void;
  /** The bridge leaves as it does when it is idle: a last commit and a last export. */
  leave(): Promise<void>;
  /** The bridge is gone, with what it had in memory. */
  kill(): void;
  /** Time passes, and with it what the bridge does at its own times. */
  until(atNs: bigint): Promise<void>;
};

type Options = { root: string; startNs: bigint; exporter: Exporter; prices: PriceTable };

const MILLISECOND = 1_000_000n;

export function createLife({ root, startNs, exporter, prices }: Options): Life {
  const repositories = new Map<string, string>();
  const log = createLog({ level: "error", file: join(root, "life.log") });
  let nowNs = startNs;
  let count = 0;
  let agentVersion = "2.1.329";
  let bridge: { open: OpenBridge; exports: ExportClock } | undefined;

  return {
    nowNs: () => nowNs,
    begin(session, repository) {
      repositories.set(session, repository);
      hook(session, { hook_event_name: "SessionStart", source: "startup" });
      hook(session, { hook_event_name: "UserPromptSubmit", prompt: "go on", prompt_id: `prompt-${session}` });
      step();
    },
    call(session, model, tokens) {
      line(session, model, tokens);
      step();
    },
    end(session) {
      hook(session, { hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "Done." });
      hook(session, { hook_event_name: "SessionEnd", reason: "other" });
      step();
    },
    fail(session) {
      hook(session, { hook_event_name: "StopFailure", error: "rate_limit" });
      hook(session, { hook_event_name: "SessionEnd", reason: "other" });
      step();
    },
    update(version) {
      agentVersion = version;
    },
    startBridge() {
      const open = openAt(join(root, "state"), exporter, "none", {
        prices,
        repositoryOf: (cwd) => cwd.split("/").at(-1),
      });
      const exports = createExportClock(open, {
        onDone: () => undefined,
        nowMs: () => Number(nowNs / MILLISECOND),
        wallNs: () => nowNs,
        isLeaving: () => false,
        log,
      });
      bridge = { open, exports };
    },
    async leave() {
      if (bridge === undefined) return;
      const { open, exports } = bridge;
      await exports.settled();
      step();
      if (await open.delivery.sendSpans()) {
        await open.delivery.sendMetrics(nowNs, { everything: false, own: undefined });
      }
      open.bridge.commit(nowNs, "own");
      bridge = undefined;
    },
    kill() {
      bridge = undefined;
    },
    async until(atNs) {
      while (nowNs < atNs) {
        nowNs = later(nowNs + MILLISECOND, earlier(atNs, nextDueNs(atNs)));
        step();
        bridge?.exports.tick();
        await bridge?.exports.settled();
      }
    },
  };

  function nextDueNs(atNs: bigint): bigint {
    if (bridge === undefined) return atNs;
    const exportMs = bridge.exports.dueMs();
    const exportNs = Number.isFinite(exportMs) ? nowNs + BigInt(Math.ceil(exportMs)) * MILLISECOND : atNs;
    return earlier(exportNs, bridge.open.bridge.dueNs() ?? atNs);
  }

  function step(): void {
    bridge?.open.bridge.step(nowNs);
  }

  function hook(session: string, fields: Record<string, unknown>): void {
    const id = `${String(count++).padStart(6, "0")}-life`;
    const payload = { session_id: session, transcript_path: transcriptOf(session), cwd: cwdOf(session), ...fields };
    const env = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "sdk-cli" };
    const bytes = formatEnvelope({
      id,
      agent: "claude-code",
      timeNs: nowNs,
      env,
      payload: Buffer.from(JSON.stringify(payload)),
    });
    const path = join(root, "state", "spool", `${id}.evt`);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, bytes, { mode: 0o600 });
    // Not before the header's time, or that would be clamped.
    const fileTime = Number(nowNs) / 1e9 + 0.001;
    utimesSync(path, fileTime, fileTime);
  }

  function line(session: string, model: string, { input, cacheRead, output }: TokenCounts): void {
    const id = `msg_${count++}`;
    const said = {
      type: "assistant",
      uuid: `uuid-${id}`,
      requestId: `req_${id}`,
      requestedModel: model,
      timestamp: new Date(Number(nowNs / MILLISECOND)).toISOString(),
      sessionId: session,
      cwd: cwdOf(session),
      version: agentVersion,
      isSidechain: false,
      message: {
        id,
        role: "assistant",
        model,
        content: [{ type: "text", text: "So it is." }],
        stop_reason: "end_turn",
        usage: { input_tokens: input, cache_read_input_tokens: cacheRead, output_tokens: output },
      },
    };
    const path = transcriptOf(session);
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, `${JSON.stringify(said)}\n`);
  }

  function transcriptOf(session: string): string {
    return join(root, "home/.claude/projects/-home-user", `${session}.jsonl`);
  }

  function cwdOf(session: string): string {
    return join(root, "home", repositories.get(session) ?? "none");
  }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
