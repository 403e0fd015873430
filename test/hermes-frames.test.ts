// Frames of Hermes' forwarder at the intake, beyond what every request has to meet.
import { expect, test } from "vitest";

import { hermes } from "../src/adapter/hermes.ts";
import { ask, startIntake } from "./support/intake.ts";

const FRAME = "/api/hooks/ingest";

test("an intake that listens everywhere is announced where it can be dialled, and its token counts as anywhere", async () => {
  const intake = await startIntake({ host: "0.0.0.0" });
  expect(intake.address.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const frame = { body: '{"event_type":"agent:start"}' };
  expect((await intake.ask(FRAME, frame)).status).toBe(202);
  expect((await ask({ ...intake.address, token: "another" }, FRAME, frame)).status).toBe(401);
  expect(intake.taken()).toHaveLength(1);
});

test("a frame lies in the spool byte for byte as it came, with the keys that nobody knows", async () => {
  const intake = await startIntake();
  const body = '{ "event_type":"agent:start" , "context":{"session_id":"s","own":[1.0]},"src":"gateway","more":null }';
  expect((await intake.ask(FRAME, { body })).status).toBe(202);
  expect(intake.taken().map(({ payload }) => Buffer.from(payload).toString())).toEqual([body]);
});

test("the mark of a forwarded frame goes before whatever else it says", async () => {
  const intake = await startIntake();
  for (const context of [
    { session_id: "s", _forwarded: true, _forwarded_from: 7 },
    { session_id: "s", _forwarded: false },
  ])
    await intake.ask(FRAME, { body: JSON.stringify({ event_type: "session:start", context, src: "tui" }) });
  const events = intake.taken().map((envelope) => {
    const decoded = hermes.decode(envelope);
    return decoded.status === "decoded" ? decoded.events.map(({ kind }) => kind) : decoded.status;
  });
  expect(events).toEqual([[], ["session.started"]]);
});
