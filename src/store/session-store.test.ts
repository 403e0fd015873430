import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import * as z from "zod";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { createQuarantine } from "./quarantine.ts";
import { createSessionStore, pointerTo } from "./session-store.ts";
import { sessionFile } from "./state-directory.ts";
import type { StateDirectory } from "./state-directory.ts";

const schema = z.strictObject({ v: z.literal(2), id: z.string() });

test.each([
  ["a session", { s: '{"v":2,"id":"s"}' }, { status: "found", value: { v: 2, id: "s" } }],
  ["none", {}, { status: "absent" }],
  ["a child", { s: pointer("root"), root: '{"v":2,"id":"root"}' }, { status: "found", value: { v: 2, id: "root" } }],
  ["a grandchild", { s: pointer("a"), a: pointer("root"), root: '{"v":2,"id":"root"}' }, { status: "found" }],
  ["a child whose root is gone", { s: pointer("root") }, { status: "absent" }],
  ["a ring", { s: pointer("a"), a: pointer("s") }, { status: "corrupt" }],
  ["a newer session", { s: '{"v":3,"shape":"unknown"}' }, { status: "newer", v: 3 }],
  ["a torn file", { s: '{"v":2,"id' }, { status: "corrupt" }],
  ["an empty file", { s: "" }, { status: "corrupt" }],
  ["no version", { s: '{"id":"s"}' }, { status: "corrupt" }],
  ["another shape", { s: '{"v":2,"id":7}' }, { status: "corrupt" }],
])("load finds %s", (_, files, expected) => {
  const directory = tempState();
  write(directory, files);
  expect(storeIn(directory).load("agent", "s")).toMatchObject(expected);
});

test("the file told is that of the root, for a commit to write", () => {
  const directory = tempState();
  write(directory, { s: pointer("root"), root: '{"v":2,"id":"root"}' });
  expect(storeIn(directory).load("agent", "s").file).toBe(sessionFile("agent", "root"));
  expect(storeIn(directory).load("agent", "unknown").file).toBe(sessionFile("agent", "unknown"));
});

test("a corrupt file is set aside once, a newer one stays where it is", () => {
  const directory = tempState();
  write(directory, { bad: "{", newer: '{"v":3}' });
  const store = storeIn(directory);
  store.load("agent", "newer");
  store.load("agent", "bad");
  expect(store.load("agent", "bad").status).toBe("absent");
  expect(readdirSync(directory.sessions)).toEqual([sessionFile("agent", "newer")]);
  expect(readdirSync(directory.quarantine)).toEqual([
    sessionFile("agent", "bad").replace(".json", ".corrupt-sessions.evt"),
  ]);
});

test("list gives every session once, without pointers and drafts", () => {
  const directory = tempState();
  write(directory, { a: '{"v":2,"id":"a"}', b: pointer("a"), c: '{"v":3}' });
  writeFileSync(join(directory.sessions, `${sessionFile("agent", "d")}.tmp`), "{");
  const states = storeIn(directory)
    .list()
    .map((read) => read.status);
  expect(states.sort()).toEqual(["found", "newer"]);
});

function pointer(root: string): string {
  return JSON.stringify(pointerTo(root));
}

function write(directory: StateDirectory, files: Record<string, string>): void {
  for (const [id, text] of Object.entries(files))
    writeFileSync(join(directory.sessions, sessionFile("agent", id)), text);
}

function storeIn(directory: StateDirectory) {
  const quarantine = createQuarantine(realDisk, directory.quarantine, { quarantineBytes: 1e6, ageMs: 1e9 });
  return createSessionStore({ disk: realDisk, quarantine }, directory.sessions, 2, (json) => schema.parse(json));
}
