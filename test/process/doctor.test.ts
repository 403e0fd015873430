// Set-ups that are broken in one way each: the doctor's first failing line names that.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { text as textOf } from "node:stream/consumers";

import { describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import { installWhole, kill, type Installed } from "../support/installed.ts";
import { freePorts } from "../support/start-program.ts";
import { canMount, mountSmallDisk } from "../support/tmpfs.ts";

const finding = z.strictObject({
  hop: z.string(),
  agent: z.string().optional(),
  verdict: z.enum(["ok", "warn", "fail", "unknown"]),
  text: z.string(),
  fix: z.string().optional(),
  ms: z.number().optional(),
});
const report = z.strictObject({
  version: z.string(),
  verdict: z.enum(["ok", "fail"]),
  cause: finding.nullable(),
  hops: z.array(finding),
});

/** Past the time that a lease and an event in the spool are given. */
const TEN_MINUTES_AGO = new Date(Date.now() - 600_000);

describe("a set-up that works", () => {
  test("has no hop that fails, and sends one span and one metric of the doctor's and no session", async () => {
    const installed = await withAgent(".claude");
    const temporary = join(installed.tree.root, "tmp");
    mkdirSync(temporary);
    const { code, hops } = await doctor(installed, [], { TMPDIR: temporary });
    expect(hops.filter(({ verdict }) => verdict === "fail" || verdict === "warn")).toEqual([]);
    expect(code).toBe(0);
    const way = "configuration agent hooks levels single native node hook start state bridge traces metrics";
    expect(hops.map(({ hop }) => hop)).toEqual([...way.split(" "), "tempo", "prometheus"]);
    expect(installed.spans().map(({ name, attributes }) => [name, attributes])).toEqual([["hookspan doctor", []]]);
    const bodies = installed.recorder.requests.flatMap(({ body }) => body.resourceMetrics ?? []);
    const metrics = bodies.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    expect(metrics.map(({ name }) => name)).toEqual(["hookspan.doctor.probe.time"]);
    // Neither the state directory nor anything else is left.
    expect(existsSync(installed.state)).toBe(false);
    expect(readdirSync(temporary)).toEqual([]);
    expect(await installed.bridges()).toEqual([]);
  });

  test("leaves a state directory as it was, and the bridge alone", async () => {
    const installed = await withAgent(".claude");
    await installed.hook({ session_id: "s", hook_event_name: "SessionStart" });
    const pid = await installed.bridge();
    const { code, hops } = await doctor(installed);
    expect(code).toBe(0);
    expect(hops.find(({ hop }) => hop === "bridge")?.text).toContain(`pid ${pid}, `);
    expect(readdirSync(installed.state).filter((name) => name.startsWith("doctor"))).toEqual([]);
    expect(kill(pid, 0)).toBe(true);
  });

  test("one line a hop on the terminal, with the fix in it", async () => {
    const installed = await withAgent(".claude");
    const { stdout } = await installed.run(["doctor", "--tempo", "none", "--prometheus", "none"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(15);
    for (const line of lines) expect(line).toMatch(/^(?:ok|unknown) +\S.*/);
  });

  test.for([
    ["a store that is no URL", ["--tempo", "localhost:3200"], /--tempo takes a URL/],
    ["a wait that is no number", ["--wait", "long"], /--wait takes a number of seconds/],
  ] as const)("%s", async ([, args, message]) => {
    const { code, stderr } = await (await installWhole()).run(["doctor", ...args]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe("names the cause in the first line that fails", () => {
  test("no agent, and an agent without hooks", async () => {
    const installed = await installWhole();
    expect((await doctor(installed, [], { PATH: "/bin" })).cause).toMatchObject({
      hop: "agent",
      text: "no agent found",
    });
    mkdirSync(join(home(installed), ".claude"));
    expect((await doctor(installed)).cause).toMatchObject({ hop: "hooks", fix: "hookspan install claude-code" });
  });

  test("a configuration that is none", async () => {
    const installed = await withAgent(".claude");
    writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), '{ "endpiont": 1 }');
    const { cause } = await doctor(installed);
    expect(cause).toMatchObject({ hop: "configuration", text: expect.stringContaining("endpiont") });
    writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), '{ "agents": ["codex"] }');
    const leftOut = (await doctor(installed)).hops.find(({ hop, agent }) => hop === "configuration" && agent);
    expect(leftOut).toMatchObject({ agent: "claude-code", verdict: "warn", fix: "hookspan config unset agents" });
    expect((await doctor(installed, [], { HOOKSPAN_DISABLED: "1" })).cause?.fix).toBe("unset HOOKSPAN_DISABLED");
  });

  test("a wrong endpoint", async () => {
    const installed = await withAgent(".claude");
    const url = `http://127.0.0.1:${(await freePorts("nobody"))("nobody")}`;
    const { code, cause } = await doctor(installed, [], { HOOKSPAN_ENDPOINT: url });
    expect([code, cause?.hop]).toEqual([1, "traces"]);
    expect(cause?.text).toContain(`${url}/v1/traces cannot be reached: the export failed: connect ECONNREFUSED`);
    expect(cause?.fix).toContain("hookspan config set endpoint URL");
  });

  test("a wrong path, and a missing password", async () => {
    const installed = await withAgent(".claude");
    installed.recorder.answerWith({ status: 404 });
    expect((await doctor(installed)).cause?.text).toMatch(/\/v1\/traces is no path of this server/);
    installed.recorder.answerWith({ status: 401 });
    expect((await doctor(installed)).cause?.fix).toMatch(/headers/);
  });

  test("a bridge that hangs", async () => {
    const installed = await withAgent(".claude");
    await installed.hook({ session_id: "s", hook_event_name: "SessionStart" });
    const pid = await installed.bridge();
    kill(pid, "SIGSTOP");
    try {
      utimesSync(join(installed.state, "lease"), TEN_MINUTES_AGO, TEN_MINUTES_AGO);
      const { code, cause } = await doctor(installed);
      expect([code, cause?.hop]).toEqual([1, "bridge"]);
      expect(cause?.text).toBe(
        `the bridge (pid ${pid}) has given no sign of life for a minute: it hangs or is stopped`,
      );
    } finally {
      kill(pid, "SIGCONT");
    }
  });

  test("a bridge that is dead, and no hook starts another", async () => {
    const installed = await withAgent(".claude");
    await installed.hook({ session_id: "s", hook_event_name: "SessionStart" });
    kill(await installed.bridge(), "SIGKILL");
    await expect.poll(() => installed.bridges()).toEqual([]);
    await installed.hook({ session_id: "s", hook_event_name: "Stop" }, { HOOKSPAN_AUTOSTART: "0" });
    const [event = ""] = installed.spool();
    utimesSync(join(installed.state, "spool", event), TEN_MINUTES_AGO, TEN_MINUTES_AGO);
    const { code, cause } = await doctor(installed);
    expect([code, cause?.hop]).toEqual([1, "bridge"]);
    expect(cause?.text).toMatch(/^no bridge runs, and 1 event waits/);
  });

  test("hooks that Codex was not told to trust", async () => {
    const installed = await withAgent(".codex");
    const untrusted = await doctor(installed);
    expect([untrusted.code, untrusted.cause]).toEqual([1, expect.objectContaining({ agent: "codex", hop: "trust" })]);
    expect(untrusted.cause?.text).toMatch(/^none of our hooks is trusted/);
    expect(untrusted.cause?.fix).toContain("/hooks");

    const file = join(home(installed), ".codex", "hooks.json");
    const events = Object.keys(
      z.looseObject({ hooks: z.looseObject({}) }).parse(JSON.parse(readFileSync(file, "utf8"))).hooks,
    );
    const trust = events.map((event) => {
      const name = event.replaceAll(/(?!^)([A-Z])/g, "_$1").toLowerCase();
      return `[hooks.state.${JSON.stringify(`${file}:${name}:0:0`)}]\ntrusted_hash = "sha256:00"\n`;
    });
    const config = join(home(installed), ".codex", "config.toml");
    writeFileSync(config, trust.slice(1).join("\n"));
    expect((await doctor(installed)).cause?.text).toMatch(new RegExp(`^not trusted: ${events[0]}, so`));
    writeFileSync(config, trust.join("\n"));
    expect(await doctor(installed)).toMatchObject({ code: 0, cause: null });
    writeFileSync(config, `${trust.join("\n")}\n[features]\nhooks = false # no\n`);
    expect((await doctor(installed)).cause).toMatchObject({ hop: "levels", agent: "codex" });
  });

  test("hooks that Hermes was not told to run", async () => {
    const installed = await withAgent(".hermes");
    expect((await doctor(installed)).cause).toMatchObject({ hop: "trust", agent: "hermes" });
    await installed.run(["install", "hermes", "--allow-hermes", "--yes"]);
    expect(await doctor(installed)).toMatchObject({ code: 0, cause: null });
  });

  test("hooks that a project's settings switch off", async () => {
    const installed = await withAgent(".claude");
    const local = join(installed.tree.root, ".claude", "settings.local.json");
    mkdirSync(dirname(local));
    writeFileSync(local, '{ "disableAllHooks": true }');
    const { code, cause } = await doctor(installed);
    expect([code, cause]).toEqual([1, expect.objectContaining({ hop: "levels", agent: "claude-code" })]);
    expect(cause?.text).toBe(`${local} (local) switches all hooks off (disableAllHooks)`);
  });

  test.runIf(canMount())("hooks that a managed policy hides", async () => {
    const installed = await withAgent(".claude");
    const { code, cause } = await underPolicy(installed, { allowManagedHooksOnly: true });
    expect([code, cause]).toEqual([1, expect.objectContaining({ hop: "levels", agent: "claude-code" })]);
    expect(cause?.text).toMatch(
      /^the managed policy \/etc\/claude-code\/managed-settings\.json allows managed hooks only/,
    );
  });

  test("a hook that is registered twice", async () => {
    const installed = await withAgent(".claude");
    await installed.run(["install", "claude-code", "--project", "--yes"]);
    const project = join(installed.tree.root, ".claude", "settings.local.json");
    const twice = await doctor(installed);
    expect([twice.code, twice.cause]).toEqual([1, expect.objectContaining({ hop: "single", agent: "claude-code" })]);
    expect(twice.cause?.text).toContain(` and in ${project}, so it runs more than once`);
    expect(twice.cause?.fix).toBe("keep one: hookspan uninstall claude-code --project");

    writeFileSync(project, '{ "enabledPlugins": { "hookspan@hookspan": true } }');
    const plugin = await doctor(installed);
    expect(plugin.cause).toMatchObject({ hop: "single", text: expect.stringContaining(`the plugin (${project})`) });
  });

  test("hooks that post by HTTP, where no bridge listens", async () => {
    const installed = await installWhole();
    mkdirSync(join(home(installed), ".claude"));
    const bin = join(installed.tree.root, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "claude"), "#!/bin/sh\necho '2.1.329 (Claude Code)'\n", { mode: 0o755 });
    const env = { PATH: `${bin}:${installed.env["PATH"]}` };
    const port = (await freePorts("intake"))("intake");
    writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ intake: { port } }));
    expect((await installed.run(["install", "--yes", "--transport", "http"], env)).code).toBe(0);
    const { code, cause } = await doctor(installed, [], env);
    expect([code, cause]).toEqual([1, expect.objectContaining({ hop: "intake", agent: "claude-code" })]);
    expect(cause?.text).toContain(`hooks post to http://127.0.0.1:${port}/v1/hooks/claude-code, and no bridge of `);

    installed.start(["bridge"]);
    await installed.bridge();
    const intakeOf = async (more: NodeJS.ProcessEnv): Promise<unknown> =>
      (await doctor(installed, [], { ...env, ...more })).hops.find(({ hop }) => hop === "intake");
    expect(await intakeOf({})).toMatchObject({
      verdict: "warn",
      text: expect.stringMatching(/^HOOKSPAN_INTAKE_TOKEN is not set here/),
    });
    const token = readFileSync(join(installed.state, "intake-token"), "utf8").trim();
    expect(await intakeOf({ HOOKSPAN_INTAKE_TOKEN: token })).toMatchObject({ verdict: "ok" });
  });

  test.runIf(canMount())("a full disk", async () => {
    const installed = await withAgent(".claude");
    mountSmallDisk(installed.state, "size=256k", () => expect.poll(() => installed.bridges()).toEqual([]));
    expect(() => writeFileSync(join(installed.state, "ballast"), Buffer.alloc(1024 * 1024))).toThrow(/ENOSPC/);
    const { code, cause } = await doctor(installed);
    expect([code, cause?.hop]).toEqual([1, "state"]);
    expect(cause?.text).toBe(`the disk of ${installed.state} is full (ENOSPC)`);
  });

  test("a state directory that one may not write", async () => {
    const installed = await withAgent(".claude");
    const spool = join(installed.state, "spool");
    mkdirSync(spool, { recursive: true, mode: 0o700 });
    chmodSync(spool, 0o500);
    const { code, cause } = await doctor(installed);
    expect([code, cause?.hop]).toEqual([1, "state"]);
    expect(cause).toMatchObject({ text: expect.stringContaining(`${spool} (mode 500)`), fix: `chmod 700 ${spool}` });
    chmodSync(spool, 0o700);
    chmodSync(installed.state, 0o500);
    expect((await doctor(installed)).cause).toMatchObject({ hop: "state", fix: `chmod 700 ${installed.state}` });
    chmodSync(installed.state, 0o700);
  });

  test("a hook that one may not run", async () => {
    const installed = await withAgent(".claude");
    const script = join(home(installed), ".local", "share", "hookspan", "hooks", "hookspan.sh");
    chmodSync(script, 0o600);
    const { code, cause } = await doctor(installed);
    expect([code, cause?.hop]).toEqual([1, "hook"]);
    expect(cause?.text).toMatch(/claude-code: ends with 126 \(.*Permission denied\)$/);
  });

  test("a Node that is too old, and none at all", async () => {
    const installed = await withAgent(".claude");
    const folder = join(installed.tree.root, "bin");
    const old = join(folder, "old-node");
    mkdirSync(folder);
    writeFileSync(old, "#!/bin/sh\necho v16.20.2\n", { mode: 0o755 });
    bakeNode(installed, old);
    const { code, cause } = await doctor(installed);
    expect([code, cause?.hop]).toEqual([1, "node"]);
    expect(cause?.text).toBe(`${old} 16.20.2, which the hook starts the bridge with, is too old`);

    bakeNode(installed, join(folder, "gone"));
    const none = await doctor(installed, [], { PATH: folder });
    expect(none.cause).toMatchObject({
      hop: "node",
      text: expect.stringMatching(/is not there any more, and PATH has no/),
    });
    const other = await doctor(installed);
    expect(other.code).toBe(0);
    expect(other.hops.find(({ hop }) => hop === "node")).toMatchObject({ verdict: "warn", fix: "hookspan install" });
  });

  test("a span that is accepted, and does not arrive in the store", async () => {
    const installed = await withAgent(".claude");
    const store = await standInTempo(() => undefined);
    const args = ["--tempo", store, "--prometheus", "none", "--wait", "1"];
    const { code, cause } = await doctor(installed, args);
    expect([code, cause]).toEqual([1, expect.objectContaining({ hop: "tempo" })]);
    expect(cause?.text).toMatch(/^the test span was accepted, and is not in /);
  });
});

test("a span that arrives in the store", async () => {
  const installed = await withAgent(".claude");
  let asked = 0;
  // At first not there, as in life.
  const store = await standInTempo((traceId) =>
    ++asked > 1 ? installed.spans().find((one) => one.traceId === traceId)?.name : undefined,
  );
  const { code, hops } = await doctor(installed, ["--tempo", store, "--prometheus", "none"]);
  expect(hops.find(({ hop }) => hop === "tempo")).toMatchObject({ verdict: "ok" });
  expect([code, asked]).toEqual([0, 2]);
});

test("agents' own telemetry is told of, and is no fault", async () => {
  const installed = await installWhole();
  for (const name of [".claude", ".codex", ".gemini"]) mkdirSync(join(home(installed), name));
  writeFileSync(
    join(home(installed), ".claude", "settings.json"),
    '{ "env": { "CLAUDE_CODE_ENABLE_TELEMETRY": "1" } }',
  );
  writeFileSync(
    join(home(installed), ".codex", "config.toml"),
    '[otel]\nexporter = { otlp-http = { endpoint = "x" } }\n',
  );
  writeFileSync(join(home(installed), ".gemini", "settings.json"), '{ "telemetry": { "enabled": true } }');
  await installed.run(["install", "--yes"]);
  const { hops } = await doctor(installed);
  expect(hops.filter(({ hop }) => hop === "native").map(({ agent, verdict, text }) => [agent, verdict, text])).toEqual([
    ["claude-code", "warn", expect.stringMatching(/CLAUDE_CODE_ENABLE_TELEMETRY in the settings.*claude_code\./)],
    ["codex", "warn", expect.stringMatching(/\[otel\] exporter in config\.toml.*codex\./)],
    ["gemini-cli", "warn", expect.stringMatching(/gen_ai\.client\.token\.usage/)],
  ]);
});

type Said = z.infer<typeof report> & { code: number | null };

async function doctor(installed: Installed, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Said> {
  // Where a test asks no store, none that happens to run here is asked.
  const stores = args.length === 0 ? ["--tempo", "none", "--prometheus", "none"] : args;
  const { code, stdout, stderr } = await installed.run(["doctor", "--json", ...stores], env);
  expect(stderr).toBe("");
  return { code, ...report.parse(JSON.parse(stdout)) };
}

/** An agent that has run once, with our hooks. */
async function withAgent(directory: string): Promise<Installed> {
  const installed = await installWhole();
  mkdirSync(join(home(installed), directory));
  expect((await installed.run(["install", "--yes"])).code).toBe(0);
  return installed;
}

function home({ env }: Installed): string {
  return String(env["HOME"]);
}

/** Writes another Node into the installed hook. */
function bakeNode(installed: Installed, node: string): void {
  const script = join(home(installed), ".local", "share", "hookspan", "hooks", "hookspan.sh");
  const quoted = `'${node.replaceAll("'", String.raw`'\''`)}'`;
  writeFileSync(
    script,
    readFileSync(script, "utf8").replace(/^node='.*'$/m, () => `node=${quoted}`),
  );
}

/** In a name space of its own, where /etc has what it has and a managed policy for Claude Code. */
async function underPolicy(installed: Installed, policy: object): Promise<Said> {
  const root = join(installed.tree.root, "namespace");
  for (const name of ["old", "etc/claude-code"]) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, "etc/claude-code/managed-settings.json"), JSON.stringify(policy));
  for (const name of readdirSync("/etc").filter((one) => one !== "claude-code"))
    symlinkSync(join(root, "old", name), join(root, "etc", name));
  const script = 'mount --bind /etc "$1/old" && mount --bind "$1/etc" /etc && shift && exec "$@"; exit 99';
  const command = [
    process.execPath,
    installed.tree.bundle,
    "doctor",
    "--json",
    "--tempo",
    "none",
    "--prometheus",
    "none",
  ];
  const child = spawn("unshare", ["--mount", "sh", "-c", script, "sh", root, ...command], {
    env: installed.env,
    cwd: installed.tree.root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [stdout] = await Promise.all([textOf(child.stdout), once(child, "close")]);
  return { code: child.exitCode, ...report.parse(JSON.parse(stdout)) };
}

/** Answers for a trace as Tempo does, with the span's name that `find` gives. */
async function standInTempo(find: (traceId: string) => string | undefined): Promise<string> {
  const server = createServer(({ url }, response) => {
    const name = find(/^\/api\/v2\/traces\/(\w+)$/.exec(url ?? "")?.[1] ?? "");
    response.statusCode = name === undefined ? 404 : 200;
    response.end(JSON.stringify({ trace: { resourceSpans: [{ scopeSpans: [{ spans: [{ name }] }] }] } }));
  });
  const port = (await freePorts("tempo"))("tempo");
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${port}`;
}
