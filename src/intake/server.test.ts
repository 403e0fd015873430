import { EventEmitter, once } from "node:events";
import { connect } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { ask } from "../../test/support/intake.ts";
import { createRoom } from "./body.ts";
import { json, refused } from "./reply.ts";
import { startServer, type ServerOptions } from "./server.ts";

const TOKEN = "t".repeat(43);
const HOOK = "/v1/hooks/claude-code";

test.each([
  ["of the head", `POST ${HOOK} HTTP/1.1\r\nHost: localhost\r\nX-`],
  [
    "of the body",
    `POST ${HOOK} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 9999\r\n\r\n{`,
  ],
])("a client that never comes to the end %s is cut", async (_, beginning) => {
  const { url } = await start({ patienceMs: { head: 100, whole: 200 } });
  const said = await new Promise<string>((resolve) => {
    let text = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(beginning));
    // A byte now and then keeps nothing alive.
    const drip = setInterval(() => socket.write("x"), 20);
    socket.on("data", (part: Buffer) => (text += part.toString()));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(drip);
      resolve(text);
    });
  });
  expect(said).toContain("HTTP/1.1 408 ");
});

test("what has no room is told to come again, and the room is given back", async () => {
  const server = await start({ room: createRoom(100) });
  const large = await ask(server, HOOK, { body: Buffer.alloc(101) });
  expect([large.status, large.headers["retry-after"]]).toEqual([429, "1"]);
  for (let n = 0; n < 3; n += 1) expect((await ask(server, HOOK, { body: Buffer.alloc(100) })).status).toBe(200);
});

test("a webhook that has no room is a 503, for Hermes sends again what met one", async () => {
  const server = await start({ room: createRoom(100) });
  const large = await ask(server, "/hermes/webhook", { body: Buffer.alloc(101) });
  expect([large.status, large.headers["retry-after"]]).toEqual([503, "1"]);
});

test("room is held while a request is served", async () => {
  const gate = new EventEmitter();
  const held = once(gate, "open");
  const server = await start({ room: createRoom(100), serve: async () => (await held, json(200, {})) });
  const first = ask(server, HOOK, { body: Buffer.alloc(60) });
  await expect.poll(async () => (await ask(server, HOOK, { body: Buffer.alloc(60) })).status).toBe(429);
  gate.emit("open");
  expect((await first).status).toBe(200);
});

test("a refused client that goes on sending still reads why", async () => {
  const server = await start({});
  const answer = await ask(server, HOOK, { body: Buffer.alloc(2 ** 23), headers: { authorization: undefined } });
  expect(answer.status).toBe(401);
});

test("a mistake of ours is a 503, told to us and not to the client", async () => {
  const errors: unknown[] = [];
  const server = await start({
    serve: () => Promise.reject(new Error("a secret")),
    onError: (error) => errors.push(error),
  });
  const answer = await ask(server, HOOK, { body: "{}" });
  expect([answer.status, answer.body.includes("secret"), errors.length]).toEqual([503, false, 1]);
});

test("nobody is told to go on before the head is looked at", async () => {
  const server = await start({ screen: () => refused(404, "no") });
  const headers = { expect: "100-continue" };
  expect((await ask(server, HOOK, { body: "{}", headers })).status).toBe(404);
});

async function start(options: Partial<ServerOptions>): Promise<{ url: string; token: string }> {
  const server = await startServer({
    host: "127.0.0.1",
    port: 0,
    token: TOKEN,
    instance: "i",
    maxBytes: 2 ** 20,
    room: createRoom(2 ** 20),
    screen: () => undefined,
    serve: async () => json(200, {}),
    onError: () => {},
    ...options,
  });
  onTestFinished(() => server.close());
  return { url: `http://127.0.0.1:${server.port}`, token: TOKEN };
}
