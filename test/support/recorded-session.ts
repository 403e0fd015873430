/** Replays a recording into a bridge over a real state directory, with a clock that is the recording's own. */

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { openBridge, type OpenBridge } from "../../src/bridge/open-bridge.ts";
import type { Config } from "../../src/config/config.ts";
import { formatEnvelope, type EnvelopeDraft } from "../../src/event/envelope.ts";
import { createLog } from "../../src/log.ts";
import type { MetricPoints } from "../../src/metric/point.ts";
import type { PriceTable } from "../../src/metric/price-table.ts";
import type { Exporter } from "../../src/otlp/exporter.ts";
import { realDisk, type Disk } from "../../src/store/disk.ts";
import { createStateDirectory } from "../../src/store/state-directory.ts";
import type { SpanRecord } from "../../src/trace/record.ts";
import { loadRecording, type Recording } from "../../src/view/load-recording.ts";
import { relocate } from "../../src/view/replay.ts";

/** What a bridge has from outside its state directory, and the disk that this is on. */
type Surroundings = { disk: Disk; prices: PriceTable; repositoryOf: (cwd: string) => string | undefined };

/** How events reach the bridge: all at once after the fact, or one by one while the transcript grows. */
export const DELIVERIES = ["backlog", "as in life", "pairs swapped", "other pairs swapped"] as const;
export type Delivery = (typeof DELIVERIES)[number] | Disorder;

/**
 * As in life, but: the hooks at these places change places with the next one, those at `twice` are delivered again
 * `againNs` later, and after `length` hooks nothing comes any more, from transcripts neither.
 */
export type Disorder = { swapped: ReadonlySet<number>; twice: ReadonlySet<number>; againNs: bigint; length: number };

/** What hooks have around them: the same for all, or for each its own. */
type Around = Partial<EnvelopeDraft> | ((hook: Recording["hooks"][number]) => Partial<EnvelopeDraft>);

export type Replayed = {
  spans: SpanRecord[];
  points: Map<string, MetricPoints["points"][number] & { metric: string; agent: string }>;
  startNs: bigint;
};

/** What hooks see around them, by agent: a process that lives, and the marker variables that its adapter reads. */
const SURROUNDINGS: Record<string, Partial<EnvelopeDraft>> = {
  "claude-code": { env: { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "sdk-cli" } },
  codex: { ppid: 4242 },
  "gemini-cli": { ppid: 4242 },
  hermes: { ppid: 4242 },
  "qwen-code": { ppid: 4242 },
  opencode: { ppid: 4242, cwd: "/home/user/project" },
};

const BOUNDS = {
  spoolBytes: 2 ** 29,
  outboxBytes: 2 ** 29,
  quarantineBytes: 2 ** 26,
  payloadBytes: 2 ** 25,
  ageMs: 14 * 86_400_000,
};

/**
 * Replays `recordings/<agent>/<folder>` and gives every span that was sent, and the last point of every series; `through`
 * sends it too. `around`: what each hook had around it, in place of the usual.
 */
export async function replayRecording(
  folder: string,
  delivery: Delivery,
  { capture = "none", through, around = {} }: { capture?: Config["capture"]; through?: Exporter; around?: Around } = {},
): Promise<Replayed> {
  const recording = loadRecording(folder);
  const root = mkdtempSync(join(tmpdir(), "hookspan-replay-"));
  try {
    const run = startReplay(basename(dirname(folder)), recording, root, { capture, through, around });
    if (delivery === "backlog") run.backlog();
    else run.oneByOne(delivery);
    await run.finish();
    return { spans: run.spans, points: run.points, startNs: recording.startNs };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

type Item = { atNs: bigint; do: () => void };

function startReplay(
  agent: string,
  recording: Recording,
  root: string,
  { capture, through, around }: { capture: Config["capture"]; through: Exporter | undefined; around: Around },
) {
  const home = join(root, "home");
  const spans: SpanRecord[] = [];
  const points: Replayed["points"] = new Map();
  let nowNs = recording.startNs;
  const open = openAt(join(root, "state"), recordingExporter(spans, points, through), capture);
  let count = 0;

  const putHook = (hook: Recording["hooks"][number]): void => {
    const id = `${String(count++).padStart(6, "0")}-replay`;
    const bytes = formatEnvelope({
      env: {},
      ...(hook.env === undefined ? {} : { env: markersOf(hook.env), traceparent: hook.env["TRACEPARENT"] ?? "" }),
      ...SURROUNDINGS[agent],
      ...(typeof around === "function" ? around(hook) : around),
      id,
      agent,
      timeNs: hook.atNs,
      payload: Buffer.from(relocate(hook.stdin, recording.home, home)),
    });
    const path = join(root, "state", "spool", `${id}.evt`);
    writeFileSync(path, bytes, { mode: 0o600 });
    // Never before the header's time, or the header would be clamped.
    utimesSync(path, Number(hook.atNs) / 1e9 + 0.001, Number(hook.atNs) / 1e9 + 0.001);
  };
  const putLine = (path: string, text: string): void => {
    const file = path.replace(recording.home, home);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, `${relocate(text, recording.home, home)}\n`);
  };
  const putMeta = (path: string, text: string): void => {
    const file = path.replace(recording.home, home);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const lines: Item[] = recording.transcripts.flatMap(({ path, lines: all }) =>
    all.map(({ atNs, text }) => ({ atNs, do: () => putLine(path, text) })),
  );
  const metas: Item[] = recording.metas.map(({ atNs, path, text }) => ({ atNs, do: () => putMeta(path, text) }));
  const step = (): void => void open.bridge.step(nowNs, { commitNow: true });

  return {
    spans,
    points,
    backlog() {
      for (const { do: put } of [...metas, ...lines]) put();
      recording.hooks.forEach(putHook);
      nowNs = recording.hooks.at(-1)?.atNs ?? nowNs;
      for (let i = 0; i < 3; i += 1) step();
    },
    oneByOne(order: Delivery) {
      const files = [...metas, ...lines].sort((a, b) => (a.atNs < b.atNs ? -1 : a.atNs > b.atNs ? 1 : 0));
      const { disorder, isWhole } = disorderOf(order, recording.hooks.length);
      for (const { hook, clockNs } of delivered(recording.hooks, disorder)) {
        // Of a pair that is swapped, the later hook comes before its time: the clock shows that of the earlier one.
        if (clockNs > nowNs) nowNs = clockNs;
        while (files[0] !== undefined && files[0].atNs <= nowNs) {
          files.shift()?.do();
          if (files[0] === undefined || files[0].atNs > nowNs) step();
        }
        putHook(hook);
        step();
      }
      if (isWhole) for (const { do: put } of files) put();
      step();
    },
    async finish() {
      for (let i = 0; i < 4; i += 1) {
        nowNs += 1_500_000_000n;
        step();
      }
      open.bridge.closeAll(nowNs);
      open.bridge.commit(nowNs);
      await open.delivery.sendSpans();
      await open.delivery.sendMetrics(nowNs, { everything: true, own: undefined });
    },
  };
}

export function openAt(
  state: string,
  exporter: Exporter,
  capture: Config["capture"],
  { disk = realDisk, prices, repositoryOf = () => undefined }: Partial<Surroundings> = {},
): OpenBridge {
  const directory = createStateDirectory(disk, state);
  return openBridge({
    disk,
    directory,
    config: { bounds: BOUNDS, capture, exclude: [], agents: undefined, mcpNames: {} },
    userPrices: prices,
    exporter,
    isAlive: () => true,
    repositoryOf,
    about: { version: "0.0.0", osType: "linux" },
    log: createLog({ level: "error", file: directory.log }),
  });
}

function markersOf(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name === "HERMES_INTERACTIVE"));
}

/** Keeps what it is given, and accepts everything, or has it sent by a real exporter. */
function recordingExporter(spans: SpanRecord[], points: Replayed["points"], through: Exporter | undefined): Exporter {
  const accepted = { status: "accepted" } as const;
  return {
    sendSpans: (batches) => {
      for (const batch of batches) spans.push(...batch.spans);
      return through?.sendSpans(batches) ?? Promise.resolve(accepted);
    },
    sendMetrics: (all) => {
      for (const { agent, metric, points: list } of all) {
        for (const point of list)
          points.set(`${agent} ${metric} ${JSON.stringify(point.attributes)}`, { ...point, agent, metric });
      }
      return through?.sendMetrics(all) ?? Promise.resolve(accepted);
    },
    close: () => Promise.resolve(),
  };
}

function disorderOf(order: Delivery, length: number): { disorder: Disorder; isWhole: boolean } {
  if (typeof order === "object") return { disorder: order, isWhole: order.length >= length };
  const first = order === "pairs swapped" ? 0 : order === "other pairs swapped" ? 1 : length;
  const places = Array.from({ length }, (_, i) => i).filter((i) => i >= first && (i - first) % 2 === 0);
  return { disorder: { swapped: new Set(places), twice: new Set(), againNs: 0n, length }, isWhole: true };
}

/** Of a pair that changes places the clock shows the time of the one that should have come first. */
function delivered(hooks: Recording["hooks"], { swapped, twice, againNs, length }: Disorder) {
  const order = hooks.slice(0, length).map((hook) => ({ hook, clockNs: hook.atNs }));
  for (let i = 0; i + 1 < order.length; i += 1) {
    const [a, b] = [order[i], order[i + 1]];
    if (!swapped.has(i) || a === undefined || b === undefined) continue;
    [order[i], order[i + 1]] = [{ ...b, clockNs: a.clockNs }, a];
    i += 1;
  }
  return order.flatMap((one, i) => {
    const atNs = one.hook.atNs + againNs;
    return twice.has(i) ? [one, { hook: { ...one.hook, atNs }, clockNs: atNs }] : [one];
  });
}
