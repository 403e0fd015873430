// On the way: duplicates, receivers that are away or refuse, damaged state, a full disk.
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { realDisk } from "../../src/store/disk.ts";
import { failingDisk, roomlessDisk } from "../support/faulty-disk.ts";
import { plain } from "../support/otlp-json.ts";
import { createStage, type Stage } from "../support/stage.ts";

const EVENTS = "hookspan.bridge.event.count";
const COUNTED = "hookspan.event.outcome";
const ITEMS = "hookspan.bridge.export.item.count";
const SPANS = { "hookspan.export.signal": "span" };
const DROPPED = "hookspan.bridge.dropped.count";

const bash = { tool_name: "Bash", tool_input: { command: "true" } };

const TREE = [
  "session claude-code 0..9",
  "invoke_agent claude-code 1..6",
  "invoke_agent claude-code > chat claude-opus-5-5 1..2",
  "invoke_agent claude-code > execute_tool Bash 3..4",
];

test("14: every hook is delivered twice: one span and one count each, and the copies are counted", async () => {
  const stage = await createStage();
  play({ ...stage, hook: twice(stage) });
  const all = await stage.sent();
  expect(all.lines()).toEqual(TREE);
  expect(all.total("hookspan.run.count")).toBe(1);
  expect(all.total("gen_ai.execute_tool.duration")).toBe(1);
  expect(all.total("hookspan.token.usage")).toBe(11);
  // Of a start of a session and of a stop the second word is as good as the first.
  expect(all.total(EVENTS, { [COUNTED]: "duplicate" })).toBe(4);
});

test("14: the whole session is delivered again after its end: nothing more", async () => {
  const stage = await createStage();
  play(stage);
  play(stage);
  const all = await stage.sent();
  expect(all.lines()).toEqual(TREE);
  expect(all.total("hookspan.run.count")).toBe(1);
  expect(all.total("hookspan.session.count")).toBe(1);
});

test("14: an answer of the receiver that is lost repeats spans under their own ids, and no total changes", async () => {
  const stage = await createStage();
  play(stage);
  stage.recorder.answerWith({ manner: "reset" });
  await stage.sent();
  stage.recorder.answerWith({ status: 200, body: "{}" });
  const all = await stage.sent();
  expect(all.spans.length).toBeGreaterThan(TREE.length);
  expect(new Set(all.spans.map(({ spanId }) => spanId)).size).toBe(TREE.length);
  expect(all.total("hookspan.run.count")).toBe(1);
  expect(all.total("hookspan.token.usage")).toBe(11);
});

test("25: the receiver is away for the whole session: spans wait, and keep their times and ids", async () => {
  const [away, there] = [await createStage(), await createStage()];
  play(there);
  away.recorder.answerWith({ status: 503 });
  play(away);
  await away.sent();
  expect(readdirSync(away.directory.outbox).length).toBeGreaterThan(0);
  away.restart();
  away.recorder.requests.length = 0;
  away.recorder.answerWith({ status: 200, body: "{}" });
  away.step(7200);
  const [late, prompt] = [await away.sent(), await there.sent()];
  expect(late.lines()).toEqual(TREE);
  expect(late.spans).toEqual(prompt.spans);
  expect(late.total("hookspan.token.usage")).toBe(11);
  expect(readdirSync(away.directory.outbox)).toEqual([]);
});

test("25: beyond its bound the spool loses its oldest events first, and counts them", async () => {
  const stage = await createStage({ bounds: { spoolBytes: 1800 } });
  const run = { run: "r1" };
  stage.put(1, "UserPromptSubmit", { prompt: "one" }, run);
  stage.put(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, run);
  for (let i = 3; i < 9; i += 1) stage.put(i, "PostToolUse", { ...bash, tool_use_id: `t${i}`, duration_ms: 1000 }, run);
  stage.step(9);
  stage.hook(10, "SessionEnd", { reason: "other" });
  stage.step(13);
  const all = await stage.sent();
  const lost = all.total(DROPPED, { "hookspan.drop.reason": "spool_full" });
  expect(lost).toBeGreaterThan(2);
  // The newest are there: of eight events as many as were not lost.
  const tools = all.spans.filter(({ name }) => name === "execute_tool Bash");
  expect(tools.map(({ end }) => end)).toEqual([3, 4, 5, 6, 7, 8].slice(-(8 - lost)));
});

test("26: a definitive refusal sets the spans aside, counts them, and holds up nothing that comes after", async () => {
  const stage = await createStage();
  stage.recorder.answerWith(({ path }) => ({ status: path === "/v1/traces" ? 400 : 200, body: "{}" }));
  play(stage);
  await stage.sent();
  expect(readdirSync(stage.directory.outbox)).toEqual([]);
  expect(readdirSync(stage.directory.quarantine).length).toBeGreaterThan(0);
  stage.recorder.answerWith({ status: 200, body: "{}" });
  stage.recorder.requests.length = 0;
  stage.hook(20, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  stage.hook(21, "SessionEnd", { reason: "other" });
  stage.step(24);
  const all = await stage.sent();
  expect(all.lines()).toEqual(["session claude-code 20..21", "invoke_agent claude-code 20..21"]);
  expect(all.total(ITEMS, { ...SPANS, "hookspan.export.outcome": "refused" })).toBeGreaterThan(0);
});

test("26: 401 keeps everything; once the key is right all of it arrives, and the log has said it once", async () => {
  const stage = await createStage();
  stage.recorder.answerWith({ status: 401 });
  play(stage);
  await stage.sent();
  await stage.sent();
  stage.recorder.requests.length = 0;
  stage.recorder.answerWith({ status: 200, body: "{}" });
  const all = await stage.sent();
  expect(all.lines()).toEqual(TREE);
  expect(all.total("hookspan.run.count")).toBe(1);
  const said = readFileSync(stage.directory.log, "utf8")
    .split("\n")
    .filter((line) => line.includes("401"));
  expect(said).toHaveLength(1);
});

test("27: what a receiver rejects of a request that it takes is counted, and not sent again", async () => {
  const stage = await createStage();
  const body = JSON.stringify({ partialSuccess: { rejectedSpans: 1, errorMessage: "no" } });
  stage.recorder.answerWith(({ path }) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: path === "/v1/traces" ? body : "{}",
  }));
  play(stage);
  await stage.sent();
  const requests = stage.recorder.requests.filter(({ path }) => path === "/v1/traces").length;
  const all = await stage.sent();
  expect(stage.recorder.requests.filter(({ path }) => path === "/v1/traces")).toHaveLength(requests);
  expect(all.lines()).toEqual(TREE);
  expect(all.total(ITEMS, { ...SPANS, "hookspan.export.outcome": "rejected" })).toBe(requests);
});

test("29: a damaged session file is set aside, and its session goes on as one never met", async () => {
  const stage = await createStage();
  stage.hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  for (const name of readdirSync(stage.directory.sessions))
    writeFileSync(join(stage.directory.sessions, name), '{"v":1,"agent":');
  stage.restart();
  stage.hook(3, "PreToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  stage.hook(4, "PostToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  stage.hook(5, "SessionEnd", { reason: "other" });
  stage.step(8);
  const all = await stage.sent();
  expect(all.lines("hookspan.session.synthetic")).toEqual([
    "session claude-code 3..5 true",
    "invoke_agent claude-code 3..5",
    "invoke_agent claude-code > execute_tool Bash 3..4",
  ]);
  expect(readdirSync(stage.directory.quarantine).length).toBeGreaterThan(0);
  expect(all.total(EVENTS, { [COUNTED]: "session_state_damaged" })).toBe(1);
});

test("29: a session file of a newer version is left as it is, its events wait, and others go on", async () => {
  const stage = await createStage();
  stage.hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  const [name = ""] = readdirSync(stage.directory.sessions);
  const newer = '{"v":99,"what":"ever"}';
  writeFileSync(join(stage.directory.sessions, name), newer);
  stage.restart();
  stage.hook(3, "Stop", {}, { run: "r1" });
  stage.hook(4, "UserPromptSubmit", { prompt: "one" }, { session: "s2", run: "r2" });
  stage.hook(5, "SessionEnd", { reason: "other" }, { session: "s2" });
  stage.step(8);
  expect((await stage.sent()).lines("session.id")).toEqual([
    "session claude-code 4..5 s2",
    "invoke_agent claude-code 4..5 s2",
  ]);
  expect(readFileSync(join(stage.directory.sessions, name), "utf8")).toBe(newer);
  expect(readdirSync(stage.directory.spool)).toHaveLength(1);
});

test("30: nobody says who the user is: spans leave as soon as their run has settled, without any identity", async () => {
  const stage = await createStage();
  stage.hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  stage.settled(2.1, "r1");
  stage.hook(2, "Stop", {}, { run: "r1" });
  const all = await stage.sent();
  expect(all.lines()).toEqual(["invoke_agent claude-code 1..2"]);
  const names = stage.recorder.requests.flatMap(({ body }) =>
    (body.resourceSpans ?? []).flatMap(({ resource }) => resource.attributes.map(({ key }) => key)),
  );
  expect(names.filter((name) => /^(user|enduser|host|organization)\./.test(name))).toEqual([]);
  expect(Object.keys(all.spans[0]?.attributes ?? {}).filter((name) => name.startsWith("user."))).toEqual([]);
});

test("30: the user is known before the hooks, after them and after the spans: what leaves from then on says so", async () => {
  const stage = await createStage({ identity: { learn: true } });
  const learn = (sessionId: string): void =>
    stage.identities.learn([{ sessionId, email: `${sessionId}@example.org` }], Date.now());
  learn("first");
  for (const session of ["first", "later", "never"]) finished(stage, session);
  learn("later");
  await stage.sent();
  learn("never");
  expect(usersSent(stage)).toEqual({ first: ["first@example.org"], later: ["later@example.org"], never: [undefined] });
});

test("30: spans wait for their user if they are told to, and for nobody else; totals wait for nothing", async () => {
  const stage = await createStage({ identity: { learn: true, waitMs: 600_000 } });
  const learn = (sessionId: string): void =>
    stage.identities.learn([{ sessionId, email: `${sessionId}@example.org` }], Date.now());
  learn("known");
  for (const session of ["known", "later", "never"]) finished(stage, session);
  expect((await stage.sent()).total("hookspan.run.count")).toBe(3);
  expect(usersSent(stage)).toEqual({ known: ["known@example.org"] });
  learn("later");
  await stage.sent();
  expect(usersSent(stage)).toEqual({ known: ["known@example.org"], later: ["later@example.org"] });
  for (const file of readdirSync(stage.directory.outbox)) {
    const before = Date.now() / 1000 - 601;
    utimesSync(join(stage.directory.outbox, file), before, before);
  }
  await stage.sent();
  expect(usersSent(stage)).toMatchObject({ never: [undefined] });
  expect(readdirSync(stage.directory.outbox)).toEqual([]);
});

test("30: a bridge that dies and comes back still knows the user", async () => {
  const stage = await createStage({ identity: { learn: true } });
  stage.identities.learn([{ sessionId: "s", email: "s@example.org", organizationId: "o" }], Date.now());
  expect(readFileSync(stage.directory.identity, "utf8")).toContain("s@example.org");
  finished(stage, "s");
  stage.restart();
  await stage.sent();
  expect(usersSent(stage)).toEqual({ s: ["s@example.org"] });
});

test("31: the users of two sessions in one batch of telemetry, and in one request of spans, are never mixed", async () => {
  const stage = await createStage({ identity: { learn: true } });
  const sessions = ["anna", "bert"];
  stage.identities.learn(
    sessions.map((sessionId) => ({ sessionId, email: `${sessionId}@example.org` })),
    Date.now(),
  );
  for (const session of sessions) stage.hook(1, "UserPromptSubmit", {}, { session, run: `r-${session}` });
  for (const session of sessions) {
    stage.settled(2.1, `r-${session}`, { session });
    stage.put(2, "Stop", {}, { session, run: `r-${session}` });
  }
  stage.step(3);
  await stage.sent();
  expect(stage.recorder.requests.filter(({ path }) => path === "/v1/traces")).toHaveLength(1);
  expect(usersSent(stage)).toEqual({ anna: ["anna@example.org"], bert: ["bert@example.org"] });
});

test("33: the disk is full for a while: no event is lost, and everything arrives once when it has room again", async () => {
  const stage = await createStage();
  stage.restart(failingDisk(realDisk, ["write"], "ENOSPC", 2, 5));
  play(stage);
  stage.step(30);
  stage.step(40);
  const all = await stage.sent();
  expect(all.lines()).toEqual(TREE);
  expect(all.total("hookspan.token.usage")).toBe(11);
  expect(readdirSync(stage.directory.spool)).toEqual([]);
});

test("33: the outbox itself has filled the disk: once the receiver is back, what was committed before makes room for the rest", async () => {
  const stage = await createStage();
  stage.recorder.answerWith({ status: 503 });
  play(stage);
  await stage.sent();
  const before = stage.recorder.requests.length;
  const waits = (): boolean => readdirSync(stage.directory.outbox).length > 0;
  expect(waits()).toBe(true);
  stage.restart(roomlessDisk(realDisk, waits));
  stage.hook(20, "UserPromptSubmit", { prompt: "two" }, { session: "s2", run: "r2" });
  expect(readdirSync(stage.directory.spool)).toHaveLength(1);
  stage.recorder.answerWith({ status: 200 });
  await stage.sent();
  expect(waits()).toBe(false);
  stage.step(21);
  expect(readdirSync(stage.directory.spool)).toEqual([]);
  const spans = stage.recorder.requests.slice(before).flatMap(({ body }) => body.resourceSpans ?? []);
  expect(spans.length).toBeGreaterThan(0);
});

/** A session with one turn, one model call and one tool. */
function play({ hook, answer, settled, step }: Pick<Stage, "hook" | "answer" | "settled" | "step">): void {
  const run = { run: "r1" };
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, run);
  answer(2, "m1", "r1");
  hook(3, "PreToolUse", { ...bash, tool_use_id: "t1" }, run);
  hook(4, "PostToolUse", { ...bash, tool_use_id: "t1" }, run);
  settled(6.1, "r1");
  hook(6, "Stop", {}, run);
  hook(9, "SessionEnd", { reason: "other" });
  step(12);
}

function twice({ hook, put }: Stage): Stage["hook"] {
  return (...args) => {
    put(...args);
    hook(...args);
  };
}

/** One run of a session, of which a file of its own comes to lie in the outbox. */
function finished(stage: Stage, session: string): void {
  const run = `r-${session}`;
  stage.hook(1, "UserPromptSubmit", { prompt: "one" }, { session, run });
  stage.settled(2.1, run, { session });
  stage.hook(2, "Stop", {}, { session, run });
}

/** By session: the e-mail addresses on the resources of what was sent of it. */
function usersSent(stage: Stage): Record<string, (string | undefined)[]> {
  const users = new Map<string, Set<string | undefined>>();
  for (const { body } of stage.recorder.requests) {
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      const email = plain(resource.attributes)["user.email"];
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        const session = String(plain(span.attributes)["session.id"]);
        users.set(session, (users.get(session) ?? new Set()).add(typeof email === "string" ? email : undefined));
      }
    }
  }
  return Object.fromEntries([...users].map(([session, emails]) => [session, [...emails]]));
}
