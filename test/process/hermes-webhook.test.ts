// Hermes' outbound webhooks against real bridges, one of them killed half-way: each event counts once.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test, vi } from "vitest";

import { verified } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { install, WAIT } from "../support/installed.ts";
import { ask } from "../support/intake.ts";
import { recordedInputs } from "../support/recordings.ts";
import { freePorts } from "../support/start-program.ts";

const RECORDING = join(import.meta.dirname, "..", "recordings", "hermes", "oneshot");
const SECRET = "of both sides";

test("a recorded session, each event sent to two bridges, becomes its spans once", async () => {
  const installed = await install();
  const port = (await freePorts("intake"))("intake");
  const secretFile = join(installed.tree.root, "home", "hermes-secret");
  writeFileSync(secretFile, SECRET, { mode: 0o600 });
  writeFileSync(
    String(installed.env["HOOKSPAN_CONFIG"]),
    JSON.stringify({ intake: { port, hermesSecretFile: "~/hermes-secret" } }),
  );
  const bodies = recordedInputs(RECORDING).payloads.map((payload, n) =>
    JSON.stringify({ ...Object(payload), delivery_id: `d${n}`, timestamp: new Date().toISOString() }),
  );
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const { child, ended } = installed.start(["bridge"]);
    await vi.waitFor(async () => expect((await verified(realDisk, installed.state)).status).toBe("verified"), WAIT);
    for (const body of bodies) {
      const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
      const headers = { authorization: undefined, "x-hermes-signature-256": signature };
      const address = { url: `http://127.0.0.1:${port}`, token: "" };
      expect((await ask(address, "/hermes/webhook", { body, headers })).status).toBe(202);
    }
    child.kill(signal);
    await ended;
  }
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0, stderr: "" });
  const names = installed.spans().map(({ name }) => name);
  expect(names.toSorted()).toEqual(["chat mock-1", "invoke_agent hermes", "session hermes"]);
  expect(installed.counted("hookspan.token.usage")).toBe(14_210 + 188);
});
