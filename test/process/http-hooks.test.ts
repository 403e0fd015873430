// Claude Code's hooks by HTTP, from the installer to the spans: the requests are those that the client was recorded to send.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

import { expect, test, vi } from "vitest";

import { verified } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { type Installed, installWhole, WAIT } from "../support/installed.ts";
import { plain } from "../support/otlp-json.ts";
import { freePorts } from "../support/start-program.ts";

const RECORDING = join(import.meta.dirname, "..", "recordings", "claude-code", "01-text-and-tools");

type Handler = {
  type: string;
  command?: string;
  url?: string;
  headers?: Record<string, string>;
  allowedEnvVars?: string[];
};
type Settings = { hooks: Record<string, { hooks: Handler[] }[]> };
type Call = { ts_ns: string; event: string; stdin: unknown };

test("what the client posts ends as the spans of its session, each once", async () => {
  const { installed, settings } = await installedByHttp();
  installed.start(["bridge"]);
  // As in a CI job: nobody is in front of it, and it has a context.
  const around = { TRACEPARENT: `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`, CLAUDE_CODE_ENTRYPOINT: "sdk-cli" };
  const env = { ...(await agentEnv(installed)), ...around };
  const recorded = [
    ...callsIn("hooks.jsonl").filter(({ event }) => event === "SessionStart"),
    ...callsIn("http-hooks.jsonl"),
  ];
  const ways: string[] = [];
  for (const { event, stdin } of recorded) {
    for (const handler of (settings.hooks[event] ?? []).flatMap(({ hooks }) => hooks)) {
      ways.push(`${event} ${handler.type}`);
      // Anything else would be an error line in the user's transcript.
      expect(await fire(handler, event, stdin, env)).toEqual(handler.type === "http" ? "202 " : "0 ");
    }
  }
  expect(ways.filter((way) => way.endsWith(" command"))).toEqual(["SessionStart command"]);
  expect(ways).toHaveLength(23);
  const names = [
    "execute_tool Bash",
    "execute_tool Bash",
    "execute_tool Bash",
    "execute_tool Edit",
    "execute_tool Read",
    "execute_tool Read",
    "execute_tool Write",
    "invoke_agent claude-code",
    "session claude-code",
  ];
  await vi.waitFor(() => expect(namesOf(installed)).toEqual(names), WAIT);
  const failed = installed.spans().filter(({ attributes }) => "error.type" in plain(attributes));
  expect(failed.map(({ name }) => name).toSorted()).toEqual(["execute_tool Bash", "execute_tool Read"]);
  const run = installed.spans().find(({ name }) => name === "invoke_agent claude-code");
  expect(run).toMatchObject({ traceId: "a1".repeat(16), parentSpanId: "b2".repeat(8) });
  expect(installed.counted("hookspan.session.count")).toBe(1);
});

test("without the token in its environment the client is refused, and nothing is taken", async () => {
  const { installed, settings } = await installedByHttp();
  installed.start(["bridge"]);
  await agentEnv(installed);
  const [stop] = (settings.hooks["Stop"] ?? []).flatMap(({ hooks }) => hooks);
  if (stop === undefined) throw new Error("there is no hook for Stop");
  expect(await fire(stop, "Stop", { session_id: "s", hook_event_name: "Stop" }, installed.env)).toMatch(/^401 /);
  expect(installed.spool()).toEqual([]);
});

async function installedByHttp(): Promise<{ installed: Installed; settings: Settings }> {
  const installed = await installWhole();
  const home = String(installed.env["HOME"]);
  const claude = join(home, ".local", "bin", "claude");
  mkdirSync(dirname(claude), { recursive: true });
  writeFileSync(claude, "#!/bin/sh\necho '2.1.329 (Claude Code)'\n");
  chmodSync(claude, 0o755);
  const port = (await freePorts("intake"))("intake");
  expect(await installed.run(["config", "set", "intake.port", String(port)])).toMatchObject({ code: 0, stderr: "" });
  const ended = await installed.run(["install", "claude-code", "--transport", "http", "--yes"]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  const settings: Settings = JSON.parse(readFileSync(join(home, ".claude", "settings.json"), "utf8"));
  return { installed, settings };
}

/** The agent's environment, as the line in a profile makes it once the bridge is there. */
async function agentEnv(installed: Installed): Promise<NodeJS.ProcessEnv> {
  await vi.waitFor(async () => expect((await verified(realDisk, installed.state)).status).toBe("verified"), WAIT);
  const token = spawnSync("cat", [join(installed.state, "intake-token")], { encoding: "utf8" }).stdout.trim();
  return { ...installed.env, HOOKSPAN_INTAKE_TOKEN: token };
}

/** Runs one hook as the client does; gives exit code or status, and what came back. */
async function fire(handler: Handler, event: string, stdin: unknown, env: NodeJS.ProcessEnv): Promise<string> {
  if (handler.type === "command") {
    const input = `${JSON.stringify(stdin)}\n`;
    const { status, stdout, stderr } = spawnSync("sh", ["-c", String(handler.command)], {
      env,
      input,
      encoding: "utf8",
    });
    return `${status} ${stdout}${stderr}`;
  }
  const body = JSON.stringify(stdin);
  const own = Object.entries(handler.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    value.replaceAll(/\$(\w+)/g, (_, known: string) =>
      handler.allowedEnvVars?.includes(known) ? (env[known] ?? "") : "",
    ),
  ]);
  const url = new URL(String(handler.url));
  const recorded = headersOf(event);
  const headers = {
    ...recorded,
    host: url.host,
    "content-length": Buffer.byteLength(body),
    ...Object.fromEntries(own),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers }, (response) => {
      void text(response).then((answer) => resolve(`${response.statusCode} ${answer}`), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The headers that the client was recorded to send, but for those that the recording's settings asked for. */
function headersOf(event: string): Record<string, string> {
  const known: Record<string, { request?: { headers: Record<string, string> } }> = JSON.parse(
    readFileSync(join(RECORDING, "hook-env.json"), "utf8"),
  );
  const headers = known[`${event} (http)`]?.request?.headers;
  if (headers === undefined) throw new Error(`no request of ${event} was recorded`);
  const { authorization: _, "x-recorder": __, "x-not-allowed": ___, ...others } = headers;
  return others;
}

function callsIn(name: string): Call[] {
  const lines = readFileSync(join(RECORDING, name), "utf8").trim().split("\n");
  return lines.map((line): Call => JSON.parse(line));
}

function namesOf(installed: Installed): string[] {
  return installed
    .spans()
    .map(({ name }) => name)
    .toSorted();
}
