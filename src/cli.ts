/** The command line: the only reader of argv, the only caller of process.exit. */

import { join } from "node:path";

import { type Flags, optionsIn, UsageError } from "./arguments.ts";
import { flush } from "./bridge/flush.ts";
import { leaveWord, reasonOf } from "./bridge/leave-word.ts";
import { NewerStateError, openBridge, type OpenBridge } from "./bridge/open-bridge.ts";
import { birthOf, isAlive } from "./bridge/process-alive.ts";
import { createReloadingExporter } from "./bridge/reloading-exporter.ts";
import { createRepositoryNames } from "./bridge/repository.ts";
import { runBridge } from "./bridge/run-bridge.ts";
import { ConfigError } from "./config/error.ts";
import { loadConfig, type Config } from "./config/config.ts";
import { stateHome } from "./config/path.ts";
import { withSecretHeaders } from "./config/secret-headers.ts";
import { readUserPrices } from "./config/user-prices.ts";
import { HELP } from "./help.ts";
import { createIntake } from "./intake/intake.ts";
import { createLog, type Log } from "./log.ts";
import { createExporter } from "./otlp/exporter.ts";
import { ancestorsOf } from "./setup/ancestors.ts";
import { removeState } from "./setup/purge.ts";
import { readStatus, statusText } from "./setup/status.ts";
import { surroundingContext } from "./setup/surrounding-context.ts";
import type { Process, Purge } from "./setup-commands.ts";
import { isDiskError, realDisk } from "./store/disk.ts";
import { loadInstanceId } from "./store/instance-id.ts";
import { createStateDirectory, type StateDirectory } from "./store/state-directory.ts";
import { createTroubleFile } from "./store/trouble-file.ts";
import { runDemo } from "./view/demo.ts";
import { wantsColor } from "./view/paint.ts";
import { runPreview } from "./view/preview.ts";
import { runTail } from "./view/tail.ts";
import { hookBeside, wrap } from "./wrap.ts";

/** Set by the build. */
declare const HOOKSPAN_VERSION: string;

const COMMANDS: Record<string, (args: string[]) => Promise<number>> = {
  install,
  uninstall,
  config: configCommand,
  bridge,
  flush: flushCommand,
  status,
  tail,
  demo,
  preview,
  wrap: wrapCommand,
  context,
};

type StartedBy = "hook" | "user";

const LOG_OPTIONS = { endpoint: { type: "string" }, "log-level": { type: "string" } } as const;

// Who reads us may leave first (`hookspan demo | head`): that is no error.
process.stdout.on("error", (error) => process.exit("code" in error && error.code === "EPIPE" ? 0 : 1));

main().then(
  // What is still on its way to a pipe gets there first.
  (code) => process.stdout.write("", () => process.exit(code)),
  (error: unknown) => {
    const isExpected =
      error instanceof UsageError ||
      error instanceof ConfigError ||
      error instanceof NewerStateError ||
      isDiskError(error);
    const text = error instanceof Error && !isExpected ? (error.stack ?? error.message) : reasonOf(error);
    process.stderr.write(`hookspan: ${text}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);

async function main(): Promise<number> {
  const [name = "--help", ...args] = process.argv.slice(2);
  if (name === "--version") return print(`${HOOKSPAN_VERSION}\n`);
  if (name === "--help" || name === "-h" || name === "help")
    return print(HELP[args[0] ?? "hookspan"] ?? HELP["hookspan"] ?? "");
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new UsageError(`unknown command "${name}"; commands: ${Object.keys(COMMANDS).join(", ")}`);
  // Behind `--` it is another's.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  if (own.includes("--help") || own.includes("-h")) return print(HELP[name] ?? "");
  return command(args);
}

async function bridge(args: string[]): Promise<number> {
  const flags = optionsIn(args, { ...LOG_OPTIONS, "until-idle": { type: "boolean" } });
  if (flags["until-idle"] !== true) return runAsBridge(flags, "user");
  try {
    return await runAsBridge(flags, "hook");
  } catch (error) {
    leaveWord(realDisk, () => stateHome(process.env), error);
    throw error;
  }
}

async function runAsBridge(flags: Flags, startedBy: StartedBy): Promise<number> {
  const untilIdle = startedBy === "hook";
  const config = configFrom(flags, startedBy);
  if (config.disabled) return print("", "hookspan is switched off by HOOKSPAN_DISABLED\n");
  const directory = createStateDirectory(realDisk, config.home);
  const log = createLog(
    untilIdle ? { level: config.logLevel, file: directory.log } : { level: config.logLevel, stream: "stderr" },
  );
  const end = await runBridge({
    disk: realDisk,
    directory,
    open: () => open(config, directory, log, () => configFrom(flags, startedBy)),
    intake: createIntake({ disk: realDisk, directory, config, log }),
    untilIdle,
    signal: untilAskedToLeave(),
    version: HOOKSPAN_VERSION,
    log,
  });
  if (end.status === "left") return 0;
  return untilIdle ? 0 : fail(`another bridge (pid ${end.pid}) has ${config.home}; stop it, or set HOOKSPAN_HOME`);
}

async function flushCommand(args: string[]): Promise<number> {
  const flags = optionsIn(args, { ...LOG_OPTIONS, timeout: { type: "string" }, close: { type: "boolean" } });
  const seconds = secondsIn(String(flags["timeout"] ?? "30"));
  const config = configFrom({ "log-level": "warn", ...flags }, "user");
  if (config.disabled) return print("", "hookspan is switched off by HOOKSPAN_DISABLED\n");
  const directory = createStateDirectory(realDisk, config.home);
  const log = createLog({ level: config.logLevel, stream: "stderr" });
  const end = await flush({
    disk: realDisk,
    directory,
    // A request that would outlast the whole command is ended with it.
    open: () => {
      const timeoutMs = Math.max(1, Math.min(config.timeoutMs, Math.round(seconds * 1000)));
      return open({ ...config, timeoutMs }, directory, log, () => ({ ...configFrom(flags, "user"), timeoutMs }));
    },
    timeoutMs: seconds * 1000,
    close: flags["close"] === true,
    log,
  });
  return end.status === "flushed" ? 0 : fail(`not flushed within ${seconds} s: ${end.reason}`);
}

async function status(args: string[]): Promise<number> {
  const flags = optionsIn(args, { json: { type: "boolean" } });
  const current = readStatus(realDisk, configFrom({}, "user"), HOOKSPAN_VERSION);
  return print(flags["json"] === true ? `${JSON.stringify(current, replaceBigint, 2)}\n` : statusText(current));
}

async function tail(args: string[]): Promise<number> {
  const flags = optionsIn(args, { port: { type: "string" }, json: { type: "boolean" } });
  const port = Number(flags["port"] ?? "4318");
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new UsageError(`--port takes a number from 0 to 65535, not "${String(flags["port"])}"`);
  const json = flags["json"] === true;
  const end = await runTail({
    port,
    json,
    color: wantsColor(process.stdout, process.env),
    out: process.stdout,
    signal: untilAskedToLeave(),
  });
  return end.status === "done" ? 0 : fail(end.reason);
}

async function demo(args: string[]): Promise<number> {
  const flags = optionsIn(args, { json: { type: "boolean" }, stack: { type: "boolean" } });
  const json = flags["json"] === true;
  const color = wantsColor(process.stdout, process.env);
  const path = process.env["PATH"] ?? "";
  const end = await runDemo({
    program: __filename,
    ...(flags["stack"] === true ? { stack: process.env["HOOKSPAN_ENDPOINT"] || "http://127.0.0.1:4318" } : {}),
    path,
    json,
    color,
    out: process.stdout,
    signal: untilAskedToLeave(),
  });
  return end.status === "done" ? 0 : fail(end.reason);
}

async function preview(args: string[]): Promise<number> {
  const flags = optionsIn(args, {
    recording: { type: "string" },
    agent: { type: "string" },
    capture: { type: "string" },
    json: { type: "boolean" },
  });
  const { recording, agent = "claude-code", capture } = flags;
  if (typeof capture === "string" && recording === undefined)
    throw new UsageError("--capture needs --recording: what waits was made with the capture of its time");
  const config = configFrom(flags, "user");
  const folder = recording === "demo" ? join(__dirname, "recording") : String(recording);
  const end = await runPreview({
    program: __filename,
    env: process.env,
    of:
      recording === undefined
        ? { kind: "waiting", home: config.home }
        : { kind: "recorded", folder, agent: String(agent) },
    capture: config.capture,
    json: flags["json"] === true,
    out: process.stdout,
  });
  if (end.status === "nothing")
    return print("", "nothing waits to be sent; `hookspan preview --recording demo` shows a recorded session\n");
  return end.status === "shown" ? 0 : fail(end.reason);
}

async function wrapCommand(args: string[]): Promise<number> {
  const at = args.includes("--") ? args.indexOf("--") : args.length;
  const text = { type: "string" } as const;
  const flags = optionsIn(args.slice(0, at), { agent: text, event: text, name: text, source: text, settings: text });
  const command = args.slice(at + 1);
  // Not 2: to an agent that would be a hook's no.
  if (command.length === 0) return fail("no command to wrap; usage: hookspan wrap --event E --name N -- command ...");
  const given = (name: string): string => String(flags[name] ?? "");
  const end = await wrap({
    agent: given("agent") || "claude-code",
    event: given("event"),
    name: given("name"),
    source: given("source"),
    settings: given("settings"),
    command,
    hookFile: hookBeside(__dirname),
  });
  if ("code" in end) return end.code;
  process.removeAllListeners(end.signal);
  process.kill(process.pid, end.signal);
  return 143; // Where a signal does not end us.
}

async function context(args: string[]): Promise<number> {
  const flags = optionsIn(args, { agent: { type: "string" }, session: { type: "string" } });
  const { agent = "claude-code", session } = flags;
  if (session === undefined && flags["agent"] !== undefined) throw new UsageError("--agent needs --session");
  const found = surroundingContext(realDisk, configFrom({}, "user"), {
    ancestors: ancestorsOf(process.pid),
    birthOf,
    session: session === undefined ? undefined : { agent: String(agent), id: String(session) },
    claudeSession: process.env["CLAUDE_CODE_SESSION_ID"],
    nowNs: BigInt(Date.now()) * 1_000_000n,
  });
  if (found.status === "found") return print(`${found.traceparent}\n`);
  // What is around this process is still around what it starts.
  const inherited = process.env["TRACEPARENT"] ?? "";
  return inherited === "" ? fail(found.reason) : print(`${inherited}\n`);
}

async function install(args: string[]): Promise<number> {
  const { installCommand } = await import("./setup-commands.ts");
  return ended(await installCommand(args, thisProcess()));
}

async function uninstall(args: string[]): Promise<number> {
  const { uninstallCommand } = await import("./setup-commands.ts");
  return ended(await uninstallCommand(args, thisProcess(), purge));
}

async function configCommand(args: string[]): Promise<number> {
  const { configure } = await import("./config-command.ts");
  return print(configure(args, process.env));
}

function purge(timeout: string): Purge {
  secondsIn(timeout);
  const { home } = configFrom({}, "user");
  return {
    home,
    async run() {
      if ((await flushCommand(["--close", "--timeout", timeout])) !== 0) return `what ${home} holds could not be sent`;
      const left = removeState(realDisk, home);
      return left.length === 0 ? undefined : `${left.join(", ")}: not hookspan's`;
    },
  };
}

function secondsIn(timeout: string): number {
  const seconds = Number(timeout);
  if (seconds > 0) return seconds;
  throw new UsageError(`--timeout takes a number of seconds above 0, not "${timeout}"`);
}

function thisProcess(): Process {
  const { env, platform, stdin: input, stdout: output, execPath: node } = process;
  return { env, platform, directory: process.cwd(), input, output, running: __filename, node };
}

function ended(reason: string | undefined): number {
  return reason === undefined ? 0 : fail(reason);
}

function open(config: Config, directory: StateDirectory, log: Log, read: () => Config): OpenBridge {
  const about = { version: HOOKSPAN_VERSION, osType: process.platform === "win32" ? "windows" : process.platform };
  const instanceId = loadInstanceId(realDisk, directory.instanceId, config.instance);
  const troubles = createTroubleFile(realDisk, directory.trouble, Date.now);
  const exporter = createReloadingExporter({
    disk: realDisk,
    destination: withSecretHeaders(config),
    read: () => withSecretHeaders(read()),
    make: (destination) => createExporter({ ...destination, ...about, instanceId, userResource: config.resource }),
    noteTrouble: (text) => troubles.note("configuration", text),
    log,
  });
  const opened = openBridge({
    disk: realDisk,
    directory,
    config,
    userPrices: readUserPrices(config.prices),
    exporter,
    isAlive,
    birthOf,
    repositoryOf: createRepositoryNames(),
    about,
    log,
  });
  troubles.note("bridge", undefined);
  return opened;
}

function configFrom(flags: Flags, startedBy: StartedBy): Config {
  const hookStarted = startedBy === "hook";
  const text = (name: string): string | undefined => (typeof flags[name] === "string" ? flags[name] : undefined);
  return loadConfig({
    env: process.env,
    flags: { endpoint: text("endpoint"), logLevel: text("log-level"), capture: text("capture") },
    ambientOtel: !hookStarted,
    hookStarted,
  });
}

/** Asked once, the process leaves in good order; asked twice, at once. */
function untilAskedToLeave(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}

function print(text: string, error = ""): number {
  process.stdout.write(text);
  process.stderr.write(error);
  return 0;
}

function fail(reason: string): number {
  process.stderr.write(`hookspan: ${reason}\n`);
  return 1;
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
