import { chmodSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";

import { expect, onTestFinished, test } from "vitest";

import { startIntake, type TestIntake } from "../../test/support/intake.ts";
import { realDisk } from "../store/disk.ts";
import { discover, verified } from "./discovery.ts";

test("what a bridge announces is found and proved", async () => {
  const intake = await announced();
  const { directory, address } = intake;
  expect(discover(realDisk, directory.home)).toEqual({ status: "found", ...address });
  expect(await verified(realDisk, directory.home)).toEqual({ status: "verified", ...address });
});

test.each<[string, (intake: TestIntake) => void, string]>([
  ["open to its group", ({ directory }) => chmodSync(directory.bridge, 0o640), "is open to other users"],
  ["writable by others", ({ directory }) => chmodSync(directory.bridge, 0o602), "is open to other users"],
  ["a link", link, "is no regular file"],
])("a file that is %s is refused", async (_, change, reason) => {
  const intake = await announced();
  change(intake);
  for (const found of [discover(realDisk, intake.directory.home), await verified(realDisk, intake.directory.home)]) {
    expect(found.status).toBe("refused");
    expect("reason" in found ? found.reason : "").toContain(reason);
    expect(JSON.stringify(found)).not.toContain(intake.address.token);
  }
});

test.each([
  ["a file", (path: string) => path.endsWith("bridge.json")],
  ["a directory", (path: string) => !path.endsWith("bridge.json")],
])("%s of another user's is refused", async (_, isTheirs) => {
  const { directory } = await announced();
  const facts: typeof realDisk.facts = (path) => ({
    ...realDisk.facts(path),
    ...(isTheirs(path) ? { uid: 4242 } : {}),
  });
  expect(await verified({ ...realDisk, facts }, directory.home)).toMatchObject({ status: "refused" });
});

test.each([
  ["nothing", ""],
  ["no JSON", "{"],
  ["no object", "[]"],
  ["no url", { token: "t", instance: "i" }],
  ["no token", { url: "http://127.0.0.1:1", instance: "i" }],
  ["an empty token", { url: "http://127.0.0.1:1", token: "", instance: "i" }],
  ["no instance", { url: "http://127.0.0.1:1", token: "t" }],
  ["another machine", { url: "http://192.0.2.1:1", token: "t", instance: "i" }],
  ["a name that may lead anywhere", { url: "http://localhost.example:1", token: "t", instance: "i" }],
  ["no port", { url: "http://127.0.0.1", token: "t", instance: "i" }],
  ["another protocol", { url: "file:///etc/passwd", token: "t", instance: "i" }],
])("a file that holds %s names no intake", async (_, content) => {
  const { directory } = await announced();
  writeFileSync(directory.bridge, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
  expect(discover(realDisk, directory.home)).toEqual({ status: "none" });
});

test("no file, no intake; nobody there, no intake", async () => {
  const intake = await announced();
  await intake.close();
  expect(await verified(realDisk, intake.directory.home)).toEqual({ status: "stranger" });
  renameSync(intake.directory.bridge, `${intake.directory.bridge}.old`);
  expect(await verified(realDisk, intake.directory.home)).toEqual({ status: "none" });
});

test.each<[string, (known: TestIntake["address"]) => RequestListener]>([
  ["who says nothing of himself", () => (_, response) => response.end("{}")],
  ["who says nothing at all and hangs up", () => (request) => request.socket.destroy()],
  ["who talks without end", () => (_, response) => response.end("x".repeat(100_000))],
  [
    "who has heard the instance before",
    ({ instance }) =>
      (_, response) =>
        response.end(JSON.stringify({ ok: true, instance, proof: "0".repeat(64) })),
  ],
  [
    "who has another intake answer in his place",
    ({ url }) =>
      (request, response) =>
        void fetch(`${url}${request.url}`).then(async (answer) => response.end(await answer.text())),
  ],
])("a stranger on a port that was ours gets no token: one %s", async (_, stranger) => {
  const intake = await announced();
  const heard: string[] = [];
  const listener = stranger(intake.address);
  const server = createServer((request, response) => {
    heard.push(JSON.stringify([request.url, request.headers]));
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  announce(intake, `http://127.0.0.1:${port}`);
  expect(await verified(realDisk, intake.directory.home)).toEqual({ status: "stranger" });
  expect(heard).toHaveLength(1);
  expect(heard.join()).not.toContain(intake.address.token);
});

async function announced(): Promise<TestIntake> {
  const intake = await startIntake();
  announce(intake, intake.address.url);
  return intake;
}

function announce({ directory, address }: TestIntake, url: string): void {
  writeFileSync(directory.bridge, JSON.stringify({ v: 1, pid: 1, ...address, url }), { mode: 0o600 });
}

function link({ directory }: TestIntake): void {
  renameSync(directory.bridge, `${directory.bridge}.real`);
  symlinkSync(`${directory.bridge}.real`, directory.bridge);
}
