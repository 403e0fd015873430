// What would be sent, shown by the built program: true to what is sent afterwards, and leaving no trace.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { formatEnvelope, parseEnvelope } from "../../src/event/envelope.ts";
import { encodeGroup } from "../../src/spool/group.ts";
import { realDisk } from "../../src/store/disk.ts";
import { previewText } from "../../src/view/preview-text.ts";
import { install, spansIn, type Installed } from "../support/installed.ts";
import { parseOtlp } from "../support/otlp-json.ts";
import { runShortSession, SHORT_SESSION } from "../support/short-session.ts";

const PROMPT = "[[thread:main]] Use helpers.";

describe("a preview", { timeout: 60_000 }, () => {
  test("of what waits is what flush sends, and changes nothing", async () => {
    const installed = await install();
    await runShortSession(installed, { id: "s", env: { HOOKSPAN_AUTOSTART: "0" } });
    const before = contentOf(installed.state);
    const shown = spansShown(await previewed(installed, ["--json"]));
    expect(contentOf(installed.state)).toEqual(before);
    expect(installed.recorder.requests).toEqual([]);

    expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
    expect(shown.map(({ name }) => name).sort()).toEqual(SHORT_SESSION.spans);
    expect(byId(shown)).toEqual(byId(installed.spans()));
  });

  test("of what came together by HTTP", async () => {
    const installed = await install();
    await runShortSession(installed, { id: "s", env: { HOOKSPAN_AUTOSTART: "0" } });
    const spool = join(installed.state, "spool");
    const group = "00000000-0000-4000-8000-000000000000.000000001";
    const members = installed.spool().map((name, n) => {
      const path = join(spool, name);
      const parsed = parseEnvelope(readFileSync(path), realDisk.facts(path).mtimeNs);
      if (parsed.status !== "whole") throw new Error(`${name} is not whole`);
      rmSync(path);
      const id = `${group}.${String(n).padStart(3, "0")}`;
      return { id, bytes: formatEnvelope({ ...parsed.envelope, id }) };
    });
    writeFileSync(join(spool, `${group}.grp`), encodeGroup(members));
    const shown = spansShown(await previewed(installed, ["--json"]));
    expect(installed.spool()).toEqual([`${group}.grp`]);

    expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
    expect(shown.map(({ name }) => name).sort()).toEqual(SHORT_SESSION.spans);
    expect(byId(shown)).toEqual(byId(installed.spans()));
    expect(installed.spool()).toEqual([]);
  });

  test("of what waits behind a bridge whose Collector is away", async () => {
    const installed = await install();
    installed.recorder.answerWith({ status: 503 });
    await runShortSession(installed, { id: "s" });
    await installed.bridge();
    await installed.recorder.arrived(1);
    const shown = spansShown(await previewed(installed, ["--json"]));
    expect(shown.map(({ name }) => name).sort()).toEqual(SHORT_SESSION.spans);
    expect(await installed.bridges()).toHaveLength(1);
    installed.recorder.answerWith({ status: 200 });
  });

  test("says so where nothing waits, and makes no state", async () => {
    const installed = await install();
    expect(await installed.run(["preview"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/nothing waits to be sent/),
    });
    expect(readdirSync(installed.tree.root)).not.toContain("state");
  });

  test.for([
    ["none", 0],
    ["preview", 1],
    ["full", 1],
  ] as const)("of the recording of the demo with capture %s", async ([capture, times]) => {
    const installed = await install();
    const text = await previewed(installed, ["--recording", "demo", "--capture", capture]);
    expect(text.split(PROMPT).length - 1).toBe(times);
    expect(text).toMatch(
      /^span invoke_agent claude-code, trace [0-9a-f]{32}, .*\n {2}gen_ai\.agent\.name = "claude-code"$/m,
    );
    expect(text).toMatch(/^metric hookspan\.token\.usage \d+$/m);
    expect(installed.recorder.requests).toEqual([]);
  });

  test("of another agent's recording", async () => {
    const installed = await install();
    const folder = join(import.meta.dirname, "../recordings/codex/apply-patch");
    const shown = spansShown(await previewed(installed, ["--recording", folder, "--agent", "codex", "--json"]));
    expect(shown.map(({ name }) => name)).toContain("execute_tool apply_patch");
  });

  test("refuses what it cannot show, and leaves nothing behind", async () => {
    const installed = await install();
    const env = { TMPDIR: execFileSync("mktemp", ["-d", "-p", installed.tree.root], { encoding: "utf8" }).trim() };
    for (const [args, code, message] of [
      [["--recording", "/nowhere"], 1, /no recording in \/nowhere: it has no hooks\.jsonl/],
      [["--recording", "demo", "--agent", "nobody"], 1, /nothing comes of .* as a recording of nobody/],
      [["--recording", "demo", "--capture", "some"], 1, /--capture.*none, preview, full/],
      [["--capture", "full"], 2, /--capture needs --recording/],
    ] as const) {
      const ended = await installed.run(["preview", ...args], env);
      expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
    }
    expect(readdirSync(env.TMPDIR)).toEqual([]);
    expect(tmpdir()).not.toBe(env.TMPDIR);
  });
});

test("names from outside cannot write to the terminal", () => {
  const spans = [
    { ...SPAN, name: "execute_tool \u001B[2J", attributes: [{ key: "k\n", value: { stringValue: "v\u0007" } }] },
  ];
  const text = previewText([{ signal: "traces", body: { resourceSpans: [{ scopeSpans: [{ spans }] }] } }]);
  expect(text).not.toContain("\u001B");
  expect(text).not.toContain("\u0007");
  expect(text.split("\n").filter((line) => line.startsWith("  "))).toEqual(['  k? = "v\\u0007"']);
});

const SPAN = { traceId: "a".repeat(32), spanId: "b".repeat(16), startTimeUnixNano: "1", endTimeUnixNano: "2000001" };

async function previewed(installed: Installed, args: readonly string[]): Promise<string> {
  const ended = await installed.run(["preview", ...args]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  return ended.stdout;
}

function spansShown(lines: string): ReturnType<typeof spansIn> {
  const bodies = lines.trimEnd().split("\n");
  return spansIn(bodies.map((line) => ({ body: parseOtlp(line) })));
}

function byId(spans: ReturnType<typeof spansIn>): Map<string, unknown> {
  return new Map(spans.map((span) => [span.spanId, span]));
}

function contentOf(directory: string): Map<string, string> {
  const names = readdirSync(directory, { encoding: "utf8", recursive: true });
  return new Map(
    names.flatMap((name) => {
      try {
        return [[name, readFileSync(join(directory, name), "base64")] as const];
      } catch {
        return [];
      }
    }),
  );
}
