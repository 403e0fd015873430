/**
 * The hook's Node twin, for systems without sh: `hook.cjs <agent> [event]` does what `hooks/hookspan.sh` does, and one
 * contract suite runs against both. It never hurts the agent: silent, always exit 0, stdin read to its end. A program of
 * its own, so that it starts fast: built-ins only, nothing of ours, everything synchronous.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { hostname } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { argv, env, execPath, pid, ppid } from "node:process";

/** The few variables that adapters need. By name only: the environment holds secrets. */
const MARKERS = [
  "CLAUDE_PID",
  "CLAUDE_CODE_ENTRYPOINT",
  "CLAUDE_CODE_ENABLE_TELEMETRY",
  "CLAUDECODE",
  "CLAUDE_CODE_SESSION_ID",
  "HERMES_HOME",
  "HERMES_INTERACTIVE",
  "CODEX_HOME",
  "CI",
];
/** What the bridge gets: what one project's shell exports must not decide for all. */
const BRIDGE_VARIABLE = /^(?:PATH|HOME|XDG_\w+|HOOKSPAN_(?:CONFIG|ENDPOINT|HEADERS|INSTANCE|LOG_LEVEL))$/;
const BRIDGE_VARIABLE_ON_WINDOWS = new RegExp(`${BRIDGE_VARIABLE.source}|^(?:SYSTEMROOT|USERPROFILE)$`, "i");
const MAX_SPOOLED = 50_000;

function main(agent: string, event: string): void {
  const home = stateHome();
  if (agent === "" || isOn(env["HOOKSPAN_DISABLED"]) || home === undefined || !openHome(home)) return;
  const timeMs = Date.now();
  const id = `${pid}.${randomUUID()}`;
  const file = join(home, "spool", `${id}.evt`);
  // Made before it is filled: its time is the "now" that the lease is compared with.
  const out = fs.openSync(file, "wx", 0o600);
  const refusal = isBridgeAlive(home, file) ? undefined : reasonToForgo(home, id);
  if (refusal !== undefined) {
    fs.closeSync(out);
    fs.rmSync(file);
    fs.closeSync(fs.openSync(join(home, refusal), "w", 0o600));
    return;
  }
  writeWhole(out, Buffer.from(headerOf(id, agent, event, timeMs)));
  readStdin((chunk) => writeWhole(out, chunk));
  writeWhole(out, Buffer.from(`\nend=${id}\n`));
  fs.closeSync(out);
  if (!isBridgeAlive(home, file)) startBridge(home);
}

function isOn(value: string | undefined): boolean {
  return /^(?:1|true|yes|on)$/i.test(value ?? "");
}

/** A relative path would mean another directory in each project. */
function stateHome(): string | undefined {
  const user = env["HOME"] || (process.platform === "win32" ? env["USERPROFILE"] : undefined);
  const xdg = env["XDG_STATE_HOME"];
  const fallback =
    xdg !== undefined && isAbsolute(xdg) ? join(xdg, "hookspan") : user && join(user, ".local/state/hookspan");
  const home = env["HOOKSPAN_HOME"] || fallback;
  // A slash at the end would hide a symlink.
  return home !== undefined && isAbsolute(home) ? home.replace(/[/\\]+$/, "") : undefined;
}

/** Makes the state directory if it is missing; false if it is a symlink or somebody else's. */
function openHome(home: string): boolean {
  if (fs.lstatSync(home, { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  makeDirectory(home);
  if (process.getuid !== undefined && fs.statSync(home).uid !== process.getuid()) return false;
  const spool = join(home, "spool");
  makeDirectory(spool);
  return !fs.lstatSync(spool).isSymbolicLink();
}

/**
 * With its parents. Not by mkdir's `recursive`: where the parent is there and takes no directory (`/proc`, some automounted
 * homes say ENOENT), Node 20 tries for ever.
 */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  if (dirname(path) !== path && !isDirectory(dirname(path))) makeDirectory(dirname(path));
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another hook was faster.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Lease: line 1 pid, line 2 host; a living bridge keeps its time up to a minute ahead of the file's. */
function isBridgeAlive(home: string, file: string): boolean {
  const path = join(home, "lease");
  const lease = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  if (lease === undefined || lease.mtimeNs <= fs.statSync(file, { bigint: true }).mtimeNs) return false;
  const [bridge = "", host] = fs.readFileSync(path, "utf8").split("\n");
  return /^\d+$/.test(bridge) && (host !== hostname() || isProcessAlive(Number(bridge)));
}

function isProcessAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

/** Prompts must not pile up on disk where no bridge can be had, nor without end where none takes them away. */
function reasonToForgo(home: string, id: string): "no-node" | "dropped" | undefined {
  if (!isAutostartOff() && !fs.existsSync(bridgePath())) return "no-node";
  // About one hook in 32 counts.
  return /[048c][08]$/.test(id) && fs.readdirSync(join(home, "spool")).length > MAX_SPOOLED ? "dropped" : undefined;
}

function isAutostartOff(): boolean {
  return env["HOOKSPAN_AUTOSTART"] === "0";
}

/** The bundle beside this one. */
function bridgePath(): string {
  return join(dirname(fs.realpathSync(argv[1] ?? "")), "hookspan.cjs");
}

function headerOf(id: string, agent: string, event: string, timeMs: number): string {
  const lines: [string, string | undefined][] = [
    ["v", "1"],
    ["id", id],
    ["agent", agent],
    ["event", event],
    ["time", (timeMs / 1000).toFixed(3)],
    ["pid", String(pid)],
    ["ppid", String(ppid)],
    ["cwd", workingDirectory()],
    ["traceparent", env["TRACEPARENT"]],
    ["tracestate", env["TRACESTATE"]],
    ...MARKERS.map((name): [string, string | undefined] => [`env.${name}`, env[name]]),
    ...wrapLines(),
  ];
  const header = lines.flatMap(([key, value]) => (isHeaderValue(value) ? [`${key}=${value}\n`] : []));
  return `${header.join("")}\n`;
}

/** From the wrapper: how the run of another hook ended, whose payload this is. */
function wrapLines(): [string, string | undefined][] {
  if (!env["HOOKSPAN_WRAP_CODE"]) return [];
  const words = ["NAME", "SOURCE", "SETTINGS", "CODE", "BEGAN", "ENDED", "DECISION"];
  return [
    ...words.map((word): [string, string | undefined] => [`wrap.${word.toLowerCase()}`, env[`HOOKSPAN_WRAP_${word}`]]),
    ["wrap.home", env["HOME"] || env["USERPROFILE"]],
  ];
}

/** A value with a newline could forge a line, so it is left out. */
function isHeaderValue(value: string | undefined): boolean {
  return value !== undefined && value !== "" && !value.includes("\n");
}

function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined; // It was removed.
  }
}

function writeWhole(out: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(out, bytes, at);
}

/** Reads stdin to its end, in whatever mode the agent left it. */
function readStdin(take: (chunk: Uint8Array) => void): void {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  for (;;) {
    const size = readChunk(buffer);
    if (size === 0) return;
    if (size !== undefined) take(buffer.subarray(0, size));
  }
}

function readChunk(buffer: Uint8Array): number | undefined {
  try {
    return fs.readSync(0, buffer);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "EOF") return 0; // So Windows says it.
    if (code !== "EAGAIN") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    return undefined;
  }
}

/** In a session of its own, with all descriptors closed: an agent may wait for the last holder of the hook's pipes. */
function startBridge(home: string): void {
  if (isAutostartOff()) return;
  const wanted = process.platform === "win32" ? BRIDGE_VARIABLE_ON_WINDOWS : BRIDGE_VARIABLE;
  const kept = Object.entries(env).filter(([name]) => wanted.test(name));
  spawn(execPath, [bridgePath(), "bridge", "--until-idle"], {
    cwd: "/",
    env: { ...Object.fromEntries(kept), HOOKSPAN_HOME: home },
    stdio: "ignore",
    detached: true,
    windowsHide: true,
  })
    .on("error", () => {})
    .unref();
}

process.on("uncaughtException", () => {});
process.umask(0o077);
try {
  main(argv[2] ?? "", argv[3] ?? "");
} catch {
  // Whatever it is, the agent shall not notice.
}
readStdin(() => {});
