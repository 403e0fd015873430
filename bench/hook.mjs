// What a hook costs the agent, beside its budgets. `node bench/hook.mjs [rounds]`
//
// All rows run in turn, round by round, so that whatever else the machine does meets them alike. A small bash loop starts
// and times them: to fork a Node process costs more than the hook itself and would make every ratio look better. Needs
// bash 5.
//
// It writes below the user's home, where a spool lies, and not below /tmp, and deletes next to nothing before the end: where
// other programs have just deleted many files, ext4 looks at each of their inodes before it makes a new one.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { timedRows } from "./timed-rows.mjs";

const rounds = Number(process.argv[2] ?? 400);
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
mkdirSync(cache, { recursive: true });
const root = mkdtempSync(join(cache, "hookspan-bench-"));
const sink = await listen(true);
const blackHole = await listen(false);
try {
  const rows = await prepare();
  const samples = await measure(rows);
  print(rows, samples);
} finally {
  for (const { server } of [sink, blackHole]) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(root, { recursive: true, force: true });
}

/** A Collector that says yes, or one that never says anything. */
async function listen(answers) {
  const server = createServer((request, response) => {
    if (answers) request.resume().on("end", () => response.setHeader("content-type", "application/json").end("{}"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** Rows: what is run, how often (`every` nth round), and what is done `after` each, `first` and `last`, outside of the time. */
async function prepare() {
  // A bundle starts faster than a hundred files: the comparison shall be fair.
  await build({
    entryPoints: { hook: source("src/hook.ts"), "otel-in-hook": source("bench/otel-in-hook.mjs") },
    outdir: join(root, "node"),
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    bundle: true,
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
  });

  const usual = installHook("usual", "");
  writeLease(usual.state);
  const stub = installHook("stub", `require("fs").writeFileSync(process.env.HOOKSPAN_HOME + "/started", "");`);
  const small = writePayload("2k.json", 2048);
  const large = writePayload("1m.json", 1024 * 1024);
  const home = `HOOKSPAN_HOME='${usual.state}'`;
  const rows = {
    cat: { title: "sh -c 'cat >/dev/null', 2 KB", run: `sh -c 'cat >/dev/null'`, input: small },
    hook: { title: "hook, bridge alive, 2 KB", run: `${home} sh '${usual.script}' claude-code`, input: small },
    bash: { title: "hook under bash, 2 KB", run: `${home} bash '${usual.script}' claude-code`, input: small },
    catLarge: {
      title: "sh -c 'cat >file', 1 MB",
      run: `sh -c 'cat >"$1"' sh '${root}/file'$i`,
      input: large,
      every: 4,
    },
    hookLarge: { title: "hook, 1 MB", run: `${home} sh '${usual.script}' claude-code`, input: large, every: 4 },
    absent: {
      title: "hook, bridge absent, a stub is started",
      run: `HOOKSPAN_HOME='${stub.state}' sh '${stub.script}' claude-code`,
      input: small,
      every: 4,
      after: `wait_for '${stub.state}/started'; rm '${stub.state}/started'`,
    },
    node: { title: "node -e 0", run: "node -e 0", input: small, every: 8 },
    twin: {
      title: "the hook's Node twin, 2 KB",
      run: `${home} node '${root}/node/hook.cjs' claude-code`,
      input: small,
      every: 8,
    },
    otel: {
      title: "Node handler with the OTel SDK inside (bundled)",
      run: `node '${root}/node/otel-in-hook.cjs' '${sink.url}/v1/traces'`,
      input: small,
      every: 16,
    },
  };
  const real = source("dist/hookspan.cjs");
  if (existsSync(real)) {
    rows.real = realBridgeRow(real, small);
    rows.accepted = busyBridgeRow("accepted", real, small, sink.url);
    rows.stuck = busyBridgeRow("stuck", real, small, blackHole.url);
  }
  return rows;
}

function source(path) {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** A hook as it is installed, with a state directory and a bundle of this text beside it. */
function installHook(name, bundleText) {
  const directory = join(root, name);
  const script = join(directory, "hooks/hookspan.sh");
  const state = join(directory, "state");
  mkdirSync(join(directory, "hooks"), { recursive: true });
  mkdirSync(join(directory, "dist"));
  mkdirSync(join(state, "spool"), { recursive: true, mode: 0o700 });
  copyFileSync(source("hooks/hookspan.sh"), script);
  writeFileSync(join(directory, "dist/hookspan.cjs"), bundleText);
  return { script, state };
}

/** This process stands for the bridge. */
function writeLease(state) {
  const lease = join(state, "lease");
  writeFileSync(lease, `${process.pid}\n${hostname()}\n`);
  const tomorrow = Date.now() / 1000 + 86_400;
  utimesSync(lease, tomorrow, tomorrow);
}

function writePayload(name, size) {
  const file = join(root, name);
  const payload = { session_id: "0b1c", hook_event_name: "PreToolUse", tool_input: "" };
  payload.tool_input = "x".repeat(size - JSON.stringify(payload).length - 1);
  writeFileSync(file, `${JSON.stringify(payload)}\n`);
  return file;
}

/** The bridge of the build is started, and ended once it has its lease. */
function realBridgeRow(real, input) {
  const { script, state } = installHook("real", `require(${JSON.stringify(real)});`);
  return {
    title: "hook, bridge absent, the real one is started",
    run: `HOOKSPAN_HOME='${state}' HOOKSPAN_ENDPOINT='${sink.url}' sh '${script}' claude-code`,
    input,
    every: 16,
    after: `wait_for '${state}/lease'; end_bridge '${state}/lease'`,
  };
}

/** The bridge of the build lives throughout and folds what these hooks write; `endpoint` takes its exports or does not. */
function busyBridgeRow(name, real, input, endpoint) {
  const { script, state } = installHook(name, `require(${JSON.stringify(real)});`);
  const run = `HOOKSPAN_HOME='${state}' HOOKSPAN_ENDPOINT='${endpoint}' sh '${script}' claude-code`;
  return {
    title: `hook, real bridge alive, exports ${name}`,
    run,
    input,
    first: `${run} <'${input}' >/dev/null 2>&1; wait_for '${state}/bridge.json'`,
    last: `end_bridge '${state}/lease'`,
  };
}

/** Milliseconds of each run, by row. */
async function measure(rows) {
  const steps = Object.entries(rows).map(
    ([key, row]) => `
      if ((i % ${row.every ?? 1} == 0)); then
        started=$EPOCHREALTIME; ${row.run} <'${row.input}' >/dev/null 2>&1; ended=$EPOCHREALTIME
        echo "${key} $((\${ended/[.,]/} - \${started/[.,]/}))"
        ${row.after ?? ":"}
      fi`,
  );
  const once = (when) =>
    Object.values(rows)
      .map((row) => row[when] ?? ":")
      .join("\n");
  const script = `
    wait_for() { for ((n = 0; n < 5000; n++)); do [ ! -e "$1" ] || return 0; read -r -t 0.002 -u 9; done; echo "$1 did not come" >&2; exit 1; }
    end_bridge() {
      read -r bridge <"$1" && kill "$bridge"
      while kill -0 "$bridge" 2>/dev/null; do read -r -t 0.002 -u 9; done
      rm -f "$1"
    }
    mkfifo '${root}/never'; exec 9<>'${root}/never' # to read from it is to sleep
    ${once("first")}
    for ((i = 0; i < ${rounds}; i++)); do ${steps.join("")}
    done
    ${once("last")}`;
  return timedRows(script, Object.keys(rows));
}

function print(rows, samples) {
  const p50 = (key) => quantile(samples[key], 0.5);
  const p95 = (key) => quantile(samples[key], 0.95);
  console.log(`${"".padEnd(50)}${["runs", "p50 ms", "p95 ms"].map((word) => word.padStart(9)).join("")}`);
  for (const [key, { title }] of Object.entries(rows)) {
    const figures = [samples[key].length, p50(key).toFixed(2), p95(key).toFixed(2)];
    console.log(`${title.padEnd(50)}${figures.map((figure) => String(figure).padStart(9)).join("")}`);
  }
  console.log(`\n${"".padEnd(50)}${["ratio", "budget"].map((word) => word.padStart(9)).join("")}`);
  printRatio("hook / cat, p50", p50("hook") / p50("cat"), 1.25);
  printRatio("hook / cat, p95", p95("hook") / p95("cat"), 1.5);
  printRatio("hook / node -e 0, p50", p50("hook") / p50("node"), 1 / 8);
  printRatio("hook / cat >file, 1 MB, p50", p50("hookLarge") / p50("catLarge"), 1.25);
  printRatio("bridge absent / usual, p50 (stub)", p50("absent") / p50("hook"), 3);
  if ("real" in rows) printRatio("bridge absent / usual, p50 (real bridge)", p50("real") / p50("hook"), 3);
  if ("stuck" in rows) {
    printRatio("exports stuck / accepted, p50", p50("stuck") / p50("accepted"));
    printRatio("exports stuck / accepted, p95", p95("stuck") / p95("accepted"));
  }
  printRatio("OTel SDK in the hook / hook, p50", p50("otel") / p50("hook"));
  printRatio("Node twin / hook, p50", p50("twin") / p50("hook"));
}

function printRatio(title, ratio, budget) {
  const verdict = budget === undefined ? "" : `${budget.toFixed(3).padStart(9)}  ${ratio <= budget ? "ok" : "OVER"}`;
  console.log(`${title.padEnd(50)}${ratio.toFixed(3).padStart(9)}${verdict}`);
}

function quantile(samples, q) {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * q)];
}
