// Claude Code's own telemetry through the intake of the built program into the real Collector: what it writes is what was sent, as
// JSON and as protobuf, and the spans of the same sessions say whose they are.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { describe, expect, test, vi } from "vitest";

import { verified } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { startCollector } from "../support/collector.ts";
import { install, WAIT } from "../support/installed.ts";
import { ask } from "../support/intake.ts";
import { contentOf, NATIVE_USER, nativeHooks, nativeRequests, type NativeSignal } from "../support/native-telemetry.ts";
import { toProtobuf } from "../support/otlp-protobuf.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";

const program = stackProgram(COLLECTOR);
const OWN = '"service.namespace"';

describe.runIf(program !== undefined)("through the real Collector", () => {
  test("what the client sent arrives, and hookspan's spans have its user", async () => {
    const collector = await startCollector({ program: program ?? "", toFiles: ["traces", "metrics", "logs"] });
    const installed = await install();
    writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ identity: { learn: true } }));
    installed.start(["bridge"], { HOOKSPAN_ENDPOINT: collector.endpoint });
    const address = await vi.waitFor(async () => {
      const found = await verified(realDisk, installed.state);
      if (found.status !== "verified") throw new Error(`the intake is ${found.status}`);
      return found;
    }, WAIT);
    for (const { signal, body } of nativeRequests()) {
      const asked = { body: gzipSync(JSON.stringify(body)), headers: { "content-encoding": "gzip" } };
      expect(await ask(address, `/v1/${signal}`, asked)).toMatchObject({ status: 200 });
    }
    // Once more as protobuf, which nothing but the field numbers could get wrong.
    const [log] = nativeRequests();
    const headers = { "content-type": "application/x-protobuf" };
    expect(await ask(address, "/v1/logs", { body: toProtobuf("logs", log?.body), headers })).toMatchObject({
      status: 200,
    });
    for (const body of nativeHooks()) await ask(address, "/v1/hooks/claude-code", { body });
    expect(await installed.run(["flush", "--close"], { HOOKSPAN_ENDPOINT: collector.endpoint })).toMatchObject({
      code: 0,
    });
    await collector.stop();

    expect(contentOf(collector.requests("logs"))).toEqual(contentOf([...sent("logs"), log?.body]));
    expect(contentOf(collector.requests("metrics")).filter(isNative)).toEqual(contentOf(sent("metrics")));
    const spans = contentOf(collector.requests("traces"));
    expect(spans.filter(isNative)).toEqual(contentOf(sent("traces")));
    const own = spans.filter((text) => !isNative(text));
    expect(own.length).toBeGreaterThan(0);
    const user = `{"key":"user.id","value":{"stringValue":"${NATIVE_USER}"}}`;
    expect(own.filter((text) => !text.includes(user))).toEqual([]);
  });
});

function sent(wanted: NativeSignal): unknown[] {
  return nativeRequests().flatMap(({ signal, body }) => (signal === wanted ? [body] : []));
}

function isNative(text: string): boolean {
  return !text.includes(OWN);
}
