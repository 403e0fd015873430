/** Runs real servers for tests. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { onTestFinished } from "vitest";

export type RunningProgram = {
  /** SIGTERM; resolves when the process has ended. @throws Error if it did not end as asked. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
};

export type StartOptions = {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Answers 2xx once the program is ready. */
  ready: string;
};

const PROBE_MS = 20;
const READY_WITHIN_MS = 60_000;

/** What is to be done at the end of a test, or of what stands in for one. */
export type AtEnd = (clean: () => void | Promise<void>) => void;

/** Starts a server and waits until it is ready. It is killed at the end of the test if it was not stopped. */
export async function startProgram(
  { command, args, cwd, env, ready }: StartOptions,
  atEnd: AtEnd = onTestFinished,
): Promise<RunningProgram> {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let failure: Error | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said = `${said}${text}`.slice(-20_000)));
  child.once("error", (error) => (failure = error));
  const ended = once(child, "close");
  atEnd(async () => {
    if (!hasEnded()) child.kill("SIGKILL");
    await ended;
  });

  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!(await answers(ready))) {
    if (failure !== undefined || hasEnded() || Date.now() > deadlineMs)
      throw new Error(`${command} did not get ready at ${ready}; it said:\n${said}`, { cause: failure });
    await sleep(PROBE_MS);
  }
  return {
    async stop() {
      child.kill("SIGTERM");
      await ended;
      if (child.exitCode !== 0)
        throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}; it said:\n${said}`);
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };

  function hasEnded(): boolean {
    return child.exitCode !== null || child.signalCode !== null;
  }
}

/** Ports on loopback that nothing listens on: for programs that cannot tell which port the system gave them. */
export async function freePorts<const T extends string>(...names: T[]): Promise<(name: T) => number> {
  const servers = new Map(names.map((name) => [name, createServer().listen(0, "127.0.0.1")]));
  const ports = new Map<T, number>();
  for (const [name, server] of servers) {
    if (!server.listening) await once(server, "listening");
    const address = server.address();
    if (address !== null && typeof address === "object") ports.set(name, address.port);
  }
  // Only when all are known, or one port might be given twice.
  for (const server of servers.values()) {
    server.close();
    await once(server, "close");
  }
  return (name) => {
    const port = ports.get(name);
    if (port === undefined) throw new Error(`no port on 127.0.0.1 for ${name}`);
    return port;
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
