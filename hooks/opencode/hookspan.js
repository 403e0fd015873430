/**
 * hookspan's plugin for OpenCode. It hands the events that matter to the spool, one file each, in the format of every hook, and
 * sees to it that a bridge lives. It decides nothing, measures nothing and sends nothing anywhere.
 *
 * It never hurts the agent: built-ins only, nothing thrown, no write waited for, a bounded queue. What is lost, leaves the mark
 * `dropped` in the state directory, which `hookspan status` explains.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { hostname } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** An installer writes paths between these quotes. Empty: ../../dist/hookspan.cjs beside this file, and node from PATH. */
const BRIDGE = "";
const NODE = "";

/** Longer texts are cut: nothing of them beyond this could be exported anyway. */
const TEXT_MAX = 65_536;
const QUEUE_MAX_EVENTS = 10_000;
const QUEUE_MAX_BYTES = 64 * 1024 * 1024;
const SPOOL_MAX = 50_000;
const SESSIONS_MAX = 1_000;
/** A bridge that was just started needs a moment for its lease. */
const START_AGAIN_MS = 5_000;
/** What the bridge gets: what one project's shell exports must not decide for all. */
const BRIDGE_VARIABLE = /^(?:PATH|HOME|XDG_\w+|HOOKSPAN_(?:CONFIG|ENDPOINT|HEADERS|INSTANCE|LOG_LEVEL))$/;

/** The only export: OpenCode takes every export of the file for a plugin. */
export async function Hookspan({ directory } = {}) {
  const home = stateHome();
  if (home === undefined || isOn(process.env.HOOKSPAN_DISABLED)) return {};
  const writer = createWriter(home, typeof directory === "string" ? directory : undefined);
  const watch = createWatch(writer.put);
  const atExit = quiet(() => {
    watch.end("exit");
    writer.flushNow();
  });
  process.on("exit", atExit);
  return {
    event: quietly(({ event }) => watch.event(event)),
    "chat.message": quietly((_input, output) => watch.prompt(output)),
    "chat.params": quietly((input) => watch.request(input)),
    dispose: quietly(() => {
      process.off("exit", atExit);
      watch.end("dispose");
      writer.flushNow();
    }),
  };
}

// --- What is told. A part of an answer does not say of which turn and model it is: that is remembered here, and told along.

function createWatch(put) {
  /** By session id, oldest first. */
  const sessions = new Map();

  return {
    event(event) {
      const data = event?.properties ?? {};
      switch (event?.type) {
        case "session.created":
          return created(data.info);
        case "session.updated":
          return updated(data.info);
        case "session.deleted":
          return deleted(data.info?.id ?? data.sessionID);
        case "session.idle":
          return idle(data.sessionID);
        case "session.status":
          return data.status?.type === "idle" ? idle(data.sessionID) : retried(data);
        case "session.error":
          return failed(data.sessionID, data.error);
        case "session.compacted":
          return tell("session.compacted", data.sessionID, {});
        case "message.updated":
          return answered(data.info);
        case "message.part.updated":
          return part(data.part);
        case "permission.asked":
        case "permission.updated":
          return asked(data);
        case "permission.replied":
          return replied(data);
      }
    },
    prompt({ message, parts }) {
      const session = met(message.sessionID);
      if (!session.isTold) tell("session.resumed", message.sessionID, { info: session.info ?? {} });
      Object.assign(session, { isTold: true, turn: message.id, failed: false, isBusy: true, answer: undefined });
      const { id, sessionID, agent, model } = message;
      const texts = parts.filter((one) => one.type === "text" && one.synthetic !== true);
      const told = {
        message: { id, sessionID, agent, model },
        parts: texts.map(({ text }) => ({ type: "text", text })),
      };
      tell("chat.message", sessionID, told);
    },
    /** The moment at which the model is asked, which nothing else tells. Titles are asked for in between. */
    request({ sessionID, agent }) {
      if (agent !== "title") met(sessionID).requestMs ??= Date.now();
    },
    /** All that lives here, ends. */
    end(how) {
      for (const [id, session] of sessions)
        if (session.isTold && session.info?.parentID === undefined) tell(how, id, {});
      sessions.clear();
    },
  };

  function met(id) {
    const known = sessions.get(id);
    if (known !== undefined) return known;
    if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value);
    const session = { messages: new Map(), running: new Set(), asked: new Map() };
    sessions.set(id, session);
    return session;
  }

  function created(info) {
    const session = met(info.id);
    Object.assign(session, { isTold: true, info: shortInfo(info) });
    tell("session.created", info.id, { info: session.info });
  }

  function updated(info) {
    const known = sessions.get(info.id);
    if (known !== undefined) known.info ??= shortInfo(info);
    else if (info.time?.archived === undefined) met(info.id).info = shortInfo(info);
  }

  function deleted(id) {
    if (sessions.get(id)?.isTold === true) tell("session.deleted", id, {});
    sessions.delete(id);
  }

  /** Told of twice, by `session.status` as well. */
  function idle(id) {
    const session = sessions.get(id);
    if (session?.isBusy !== true) return;
    tell("session.idle", id, session.answer === undefined ? {} : { answer: session.answer });
    Object.assign(session, { isBusy: false, turn: undefined, answer: undefined, requestMs: undefined });
    session.messages.clear();
    session.running.clear();
  }

  function retried({ sessionID, status }) {
    if (status?.type !== "retry") return;
    tell("session.retry", sessionID, { attempt: status.attempt }, startOf(sessionID));
  }

  /** The same failure is in the answer. */
  function failed(id, error) {
    const session = sessions.get(id);
    if (session === undefined || session.failed === true) return;
    session.failed = true;
    const { name, data } = error ?? {};
    tell("session.error", id, { error: { name, data: { statusCode: data?.statusCode } } });
  }

  function answered(info) {
    if (info?.role !== "assistant") return;
    const session = met(info.sessionID);
    const { id, parentID, modelID, providerID, agent, mode, time } = info;
    const known = session.messages.get(id);
    session.messages.set(id, { ...known, modelID, providerID, agent: agent ?? mode, createdMs: time?.created });
    session.last = id;
    session.turn ??= parentID;
    if (time?.completed === undefined) session.isBusy = true;
    if (info.error !== undefined) failed(info.sessionID, info.error);
  }

  function part(one) {
    const session = met(one.sessionID);
    const message = session.messages.get(one.messageID);
    switch (one.type) {
      case "step-start":
        if (message !== undefined) message.endMs = Date.now();
        return;
      case "text":
        if (message === undefined || one.time?.end === undefined) return;
        session.answer = one.text;
        message.endMs = one.time.end;
        return;
      case "reasoning":
        if (message !== undefined && one.time?.end !== undefined) message.endMs = one.time.end;
        return;
      case "tool":
        return tool(one, session, message);
      case "step-finish":
        // It comes when the tools have run: the answer ended before them.
        tell(
          "message.part.updated",
          one.sessionID,
          { part: one },
          { ...startOf(one.sessionID), endMs: message?.endMs },
        );
        session.requestMs = undefined;
    }
  }

  /** Its output grows with every update: only the first and the last are told. */
  function tool(one, session, message) {
    const { status } = one.state;
    if (status === "pending") return;
    if (status === "running") {
      if (session.running.has(one.callID)) return;
      session.running.add(one.callID);
      if (message !== undefined) message.endMs = one.state.time?.start ?? Date.now();
    }
    const { input, output, error, metadata, time } = one.state;
    const { exit, sessionId } = metadata ?? {};
    const state = { status, input, output, error, metadata: { exit, sessionId }, time };
    const { id, messageID, sessionID, type, tool: name, callID } = one;
    tell("message.part.updated", sessionID, { part: { id, messageID, sessionID, type, tool: name, callID, state } });
  }

  function asked({ id, sessionID, permission, type, tool: call, callID }) {
    const session = met(sessionID);
    const asks = { permission: permission ?? type, callID: call?.callID ?? callID };
    session.asked.set(id, asks);
    tell("permission.asked", sessionID, asks);
  }

  function replied({ sessionID, requestID, permissionID, reply, response }) {
    const session = met(sessionID);
    const asks = session.asked.get(requestID ?? permissionID);
    session.asked.delete(requestID ?? permissionID);
    if (asks !== undefined) tell("permission.replied", sessionID, { ...asks, reply: reply ?? response });
  }

  function startOf(id) {
    const session = met(id);
    return { startMs: session.requestMs ?? session.messages.get(session.last)?.createdMs };
  }

  function tell(event, id, data, more = {}) {
    if (typeof id !== "string" || id === "") return;
    const session = met(id);
    const { modelID, providerID, agent } = session.messages.get(data.part?.messageID ?? session.last) ?? {};
    const context = {
      turn: session.turn,
      // Said with everything that a child does: whatever is read first makes it one.
      ...(session.info?.parentID === undefined ? {} : { child: session.info }),
      message: data.part?.messageID ?? session.last,
      modelID,
      providerID,
      agent,
      failed: session.failed === true ? true : undefined,
      busy: session.isBusy === true ? true : undefined,
      ...more,
    };
    put(event, JSON.stringify({ event, data: { sessionID: id, ...data }, context }, cut));
  }
}

function shortInfo({ id, parentID, version, agent, title, time }) {
  // A subagent's kind stands in its title, in versions that say it nowhere else.
  const kind = agent ?? /\(@([\w-]{1,64}) subagent\)$/.exec(title ?? "")?.[1];
  return { id, parentID, version, agent: kind, createdMs: time?.created };
}

function cut(_key, value) {
  return typeof value === "string" && value.length > TEXT_MAX ? value.slice(0, TEXT_MAX) : value;
}

// --- Into the spool.

function createWriter(home, directory) {
  const queue = [];
  let bytes = 0;
  let isWriting = false;
  let lastNs = 0n;
  let count = 0;
  let startedMs = -Infinity;

  return {
    put: quiet((event, payload) => {
      if (queue.length >= QUEUE_MAX_EVENTS || bytes >= QUEUE_MAX_BYTES) return mark("dropped");
      const id = `${process.pid}.${String((count += 1)).padStart(9, "0")}.${randomUUID()}`;
      const text = `${headerOf(id, event, timeNs())}\n${payload}\nend=${id}\n`;
      queue.push({ id, text });
      bytes += text.length;
      if (!isWriting) {
        isWriting = true;
        setImmediate(() => void drain());
      }
    }),
    /** The process is about to be gone. */
    flushNow: quiet(() => {
      while (queue.length > 0) writeNow(take());
    }),
  };

  async function drain() {
    while (queue.length > 0) await write(take());
    isWriting = false;
  }

  function take() {
    const entry = queue.shift();
    bytes -= entry.text.length;
    return entry;
  }

  async function write({ id, text }) {
    const file = join(home, "spool", `${id}.evt`);
    try {
      if (!openHome(home)) return;
      await fs.promises.writeFile(file, text, { flag: "wx", mode: 0o600 });
      lookAfterBridge(file, id);
    } catch {
      giveUp(file);
    }
  }

  function writeNow({ id, text }) {
    const file = join(home, "spool", `${id}.evt`);
    try {
      if (!openHome(home)) return;
      fs.writeFileSync(file, text, { flag: "wx", mode: 0o600 });
      lookAfterBridge(file, id);
    } catch {
      giveUp(file);
    }
  }

  /** Half an envelope is none. */
  function giveUp(file) {
    quiet(() => fs.rmSync(file, { force: true }))();
    mark("dropped");
  }

  /** Prompts must not pile up on disk where no bridge can be had, nor without end where none takes them away. */
  function lookAfterBridge(file, id) {
    if (isBridgeAlive(home, file)) return;
    const isOff = process.env.HOOKSPAN_AUTOSTART === "0";
    const bridge = isOff ? undefined : bridgePath();
    const node = isOff ? undefined : nodePath();
    const isFull = /[048c][08]$/.test(id) && fs.readdirSync(join(home, "spool")).length > SPOOL_MAX;
    const refusal = isFull ? "dropped" : !isOff && (bridge === undefined || node === undefined) ? "no-node" : undefined;
    if (refusal !== undefined) {
      fs.rmSync(file);
      return mark(refusal);
    }
    if (isOff || Date.now() - startedMs < START_AGAIN_MS) return;
    startedMs = Date.now();
    startBridge(home, node, bridge);
  }

  function mark(name) {
    quiet(() => {
      if (openHome(home)) fs.closeSync(fs.openSync(join(home, name), "w", 0o600));
    })();
  }

  function headerOf(id, event, ns) {
    const lines = [
      ["v", "1"],
      ["id", id],
      ["agent", "opencode"],
      ["event", event],
      ["time", `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`],
      ["pid", String(process.pid)],
      // A hook's parent is the agent: here that is this very process.
      ["ppid", String(process.pid)],
      ["cwd", directory],
      ["traceparent", process.env.TRACEPARENT],
      ["tracestate", process.env.TRACESTATE],
      ["env.CI", process.env.CI],
    ];
    // A value with a newline could forge a line, so it is left out.
    return lines.map(([key, value]) => (value && !value.includes("\n") ? `${key}=${value}\n` : "")).join("");
  }

  /** Many events share a millisecond, and their order matters. */
  function timeNs() {
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    lastNs = nowNs > lastNs ? nowNs : lastNs + 1n;
    return lastNs;
  }
}

// --- The state directory and the bridge, as in every hook.

/** A relative path would mean another directory in each project. */
function stateHome() {
  const { HOME, USERPROFILE, XDG_STATE_HOME, HOOKSPAN_HOME } = process.env;
  const user = HOME || (process.platform === "win32" ? USERPROFILE : undefined);
  const isXdg = XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME);
  const fallback = isXdg ? join(XDG_STATE_HOME, "hookspan") : user && join(user, ".local/state/hookspan");
  const home = HOOKSPAN_HOME || fallback;
  // A slash at the end would hide a symlink.
  return home !== undefined && isAbsolute(home) ? home.replace(/[/\\]+$/, "") : undefined;
}

/** Makes the state directory if it is missing; false if it is a symlink or somebody else's. */
function openHome(home) {
  if (fs.lstatSync(home, { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  makeDirectory(home);
  if (process.getuid !== undefined && fs.statSync(home).uid !== process.getuid()) return false;
  const spool = join(home, "spool");
  makeDirectory(spool);
  return !fs.lstatSync(spool).isSymbolicLink();
}

/** With its parents. Not by mkdir's `recursive`: Node 20 tries for ever where the parent takes no directory. */
function makeDirectory(path) {
  if (isDirectory(path)) return;
  if (dirname(path) !== path && !isDirectory(dirname(path))) makeDirectory(dirname(path));
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another hook was faster.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path) {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Lease: line 1 pid, line 2 host; a living bridge keeps its time up to a minute ahead of the file's. */
function isBridgeAlive(home, file) {
  const path = join(home, "lease");
  const lease = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  const written = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  // The bridge has taken it already.
  if (written === undefined) return true;
  if (lease === undefined || lease.mtimeNs <= written.mtimeNs) return false;
  const [bridge = "", host] = fs.readFileSync(path, "utf8").split("\n");
  return /^\d+$/.test(bridge) && (host !== hostname() || isProcessAlive(Number(bridge)));
}

function isProcessAlive(id) {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

function bridgePath() {
  const folder = dirname(fs.realpathSync(fileURLToPath(import.meta.url)));
  return [BRIDGE || join(folder, "../../dist/hookspan.cjs")].find((path) => fs.existsSync(path));
}

/** OpenCode is one program with a runtime of its own inside, which is no Node. */
function nodePath() {
  if (NODE !== "" && fs.existsSync(NODE)) return NODE;
  if (process.versions.bun === undefined) return process.execPath;
  const name = process.platform === "win32" ? "node.exe" : "node";
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, name)).find((path) => fs.existsSync(path));
}

function startBridge(home, node, bridge) {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      BRIDGE_VARIABLE.test(name) || (process.platform === "win32" && /^(?:SYSTEMROOT|USERPROFILE)$/i.test(name)),
  );
  spawn(node, [bridge, "bridge", "--until-idle"], {
    cwd: "/",
    env: { ...Object.fromEntries(kept), HOOKSPAN_HOME: home },
    stdio: "ignore",
    detached: true,
    windowsHide: true,
  })
    .on("error", () => {})
    .unref();
}

// --- Never a word of trouble to the agent.

function isOn(value) {
  return /^(?:1|true|yes|on)$/i.test(value ?? "");
}

function quiet(work) {
  return (...args) => {
    try {
      work(...args);
    } catch {
      // Whatever it is, the agent shall not notice.
    }
  };
}

function quietly(work) {
  const run = quiet(work);
  return async (...args) => run(...args);
}
