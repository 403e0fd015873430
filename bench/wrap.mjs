// What the wrapper adds to a hook. `node bench/wrap.mjs [rounds]`
//
// Bare and wrapped run in turn, round by round, and rest in between: what the wrapper does after its end shall not be
// counted to the next. Started and timed by bash, as in hook.mjs. Needs bash 5.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { timedRows } from "./timed-rows.mjs";

const BUDGET_MS = 5;
const rounds = Number(process.argv[2] ?? 200);
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
mkdirSync(cache, { recursive: true });
// Below the home, where a state directory lies, and not below /tmp.
const root = mkdtempSync(join(cache, "hookspan-bench-"));
const payload = join(root, "payload.json");
writeFileSync(payload, `{"session_id":"0b1c","hook_event_name":"PreToolUse","tool_input":"${"x".repeat(2048)}"}\n`);

const wrapper = fileURLToPath(new URL("../hooks/hookspan-wrap.sh", import.meta.url));
const hook = "sh -c 'cat >/dev/null; exit 0'";
const through = (shell) =>
  `HOOKSPAN_AUTOSTART=0 HOOKSPAN_HOME='${root}/${shell}' ${shell} '${wrapper}' --event PreToolUse -- ${hook}`;
const rows = {
  cat: { title: "cat >/dev/null, 2 KB", run: "cat >/dev/null" },
  bare: { title: "a hook: sh -c 'cat >/dev/null; exit 0'", run: hook },
  sh: { title: "the same, wrapped, under sh", run: through("sh") },
  bash: { title: "the same, wrapped, under bash", run: through("bash") },
};

try {
  print(await measure());
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 10 });
}

/** Milliseconds of each run, by row. */
async function measure() {
  const steps = Object.entries(rows).map(
    ([key, { run }]) => `
      started=$EPOCHREALTIME; ${run} <'${payload}' >/dev/null 2>&1; ended=$EPOCHREALTIME
      echo "${key} $((\${ended/[.,]/} - \${started/[.,]/}))"
      read -r -t 0.03 -u 9`,
  );
  const script = `
    mkfifo '${root}/never'; exec 9<>'${root}/never' # to read from it is to rest
    for ((i = 0; i < ${rounds}; i++)); do ${steps.join("")}
    done
    read -r -t 1 -u 9`;
  return timedRows(script, Object.keys(rows));
}

function print(samples) {
  console.log(`${"".padEnd(42)}${columns("p50 ms", "p95 ms")}`);
  for (const [key, { title }] of Object.entries(rows))
    console.log(`${title.padEnd(42)}${columns(...[0.5, 0.95].map((q) => quantile(samples[key], q).toFixed(2)))}`);
  console.log(`\n${"wrapped less bare, by pairs".padEnd(42)}${columns("p50 ms", "p95 ms", "p50 / cat", "p50 budget")}`);
  for (const key of ["sh", "bash"]) {
    // By pairs: whatever else the machine does at that time meets both.
    const added = samples[key].map((ms, i) => ms - samples.bare[i]);
    const times = quantile(added, 0.5) / quantile(samples.cat, 0.5);
    const figures = [quantile(added, 0.5), quantile(added, 0.95), times].map((figure) => figure.toFixed(2));
    const verdict = quantile(added, 0.5) <= BUDGET_MS ? "ok" : "OVER";
    console.log(`${`under ${key}`.padEnd(42)}${columns(...figures, BUDGET_MS)}  ${verdict}`);
  }
}

function columns(...cells) {
  return cells.map((cell) => String(cell).padStart(10)).join("");
}

function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
