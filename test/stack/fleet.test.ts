// A fleet as it is shipped, on loopback: who may send, under whose name, which way spans go, and what outages do to them.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:tls";

import { describe, expect, test, vi } from "vitest";

import { startFleet, USER, type Gateway } from "../support/fleet.ts";
import { install } from "../support/installed.ts";
import { plain, type OtlpAttribute, type OtlpBody } from "../support/otlp-json.ts";
import { RECORDER_CERTIFICATE } from "../support/otlp-recorder.ts";
import { runShortSession, SHORT_SESSION } from "../support/short-session.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";

const LONG = { timeout: 60_000, interval: 50 };
const RIGHT = basic(USER.name, USER.password);
const AT_NS = `${Date.now()}000000`;

const program = stackProgram(COLLECTOR);

describe.runIf(program !== undefined)("a fleet from the shipped files", () => {
  test("asks for a password, at the edge, and for a certificate, behind it", async () => {
    const { edge, gateways, mimir } = await startFleet(program ?? "");
    const answers = async (authorization: string | undefined): Promise<(number | undefined)[]> => [
      await post(edge.endpoint, spans([aTrace()]), authorization),
      await post(edge.endpoint, gauge(0), authorization),
    ];
    expect(await answers(undefined)).toEqual([401, 401]);
    expect(await answers(basic(USER.name, "wrong"))).toEqual([401, 401]);
    expect(await answers(basic("bob", USER.password))).toEqual([401, 401]);
    expect(await answers(RIGHT)).toEqual([200, 200]);
    await mimir.arrived(1);
    await vi.waitFor(() => expect(spansOf(...gateways)).toHaveLength(1), LONG);
    expect(mimir.requests).toHaveLength(1);

    const ca = readFileSync(RECORDER_CERTIFICATE);
    const stranger = connect({ host: "127.0.0.1", port: gateways[0].port, ca, ALPNProtocols: ["h2"] });
    const [refusal]: { code?: string }[] = await once(stranger, "error").catch((error: unknown) => [Object(error)]);
    expect(refusal?.code).toBe("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
  });

  test("says itself who sent something, and takes secrets out", async () => {
    const { edge, gateways, mimir } = await startFleet(program ?? "");
    const forged = attributes({
      "user.id": "mallory",
      "User.Email": "mallory@example.org",
      user_id: "mallory",
      "enduser.id": "mallory",
      "vcs.repository.name": "shop",
      "user_agent.original": "mallory",
      useful: "kept",
      said: `key AKIA${"Q".repeat(16)} and ghp_${"a1".repeat(15)}, no more`,
    });
    expect(await post(edge.endpoint, spans([aTrace()], forged), RIGHT)).toBe(200);
    expect(await post(edge.endpoint, gauge(0, forged), RIGHT)).toBe(200);

    await mimir.arrived(1);
    await vi.waitFor(() => expect(spansOf(...gateways)).toHaveLength(1), LONG);
    const [traces] = gateways.flatMap((gateway) => gateway.traces());
    const metrics = mimir.requests[0]?.body;
    const left = { "vcs.repository.name": "shop", useful: "kept", said: "key **** and ****, no more" };
    const scope = traces?.resourceSpans?.[0]?.scopeSpans[0];
    expect(plain(traces?.resourceSpans?.[0]?.resource.attributes)).toEqual({
      ...left,
      "service.name": "test",
      "user.id": USER.name,
    });
    expect(plain(scope?.spans[0]?.attributes)).toEqual(left);
    expect(plain(metrics?.resourceMetrics?.[0]?.resource.attributes)).toEqual({ ...left, "user.id": USER.name });
    expect(plain(metrics?.resourceMetrics?.[0]?.scopeMetrics[0]?.metrics[0]?.gauge?.dataPoints[0]?.attributes)).toEqual(
      left,
    );
    expect(JSON.stringify([traces, metrics])).not.toMatch(/mallory|AKIA|ghp_/i);
  });

  test("takes a session from hookspan itself, and all spans of a trace go to one gateway", async () => {
    const { edge, gateways, tempo, mimir } = await startFleet(program ?? "");
    const installed = await install();
    const headers = { authorization: RIGHT };
    writeFileSync(
      String(installed.env["HOOKSPAN_CONFIG"]),
      JSON.stringify({ endpoint: edge.endpoint, headers, tls: { ca: RECORDER_CERTIFICATE } }),
    );
    const env = { HOOKSPAN_ENDPOINT: "" };
    await runShortSession(installed, { id: "7c1d0000-0000-4000-8000-000000000001", env });
    expect(await installed.run(["flush", "--close"], env)).toMatchObject({ code: 0 });
    // Spans of a trace that come one by one, and in requests with those of others.
    const ids = Array.from({ length: 40 }, aTrace);
    for (const id of ids) expect(await post(edge.endpoint, spans([id]), RIGHT)).toBe(200);
    for (let round = 0; round < 2; round += 1) expect(await post(edge.endpoint, spans(ids), RIGHT)).toBe(200);

    await vi.waitFor(() => expect(spansOf(...gateways)).toHaveLength(SHORT_SESSION.spans.length + 120), LONG);
    const [first, second] = gateways.map((gateway) => new Set(spansOf(gateway).map(({ traceId }) => traceId)));
    expect(first?.size).toBeGreaterThan(0);
    expect(second?.size).toBeGreaterThan(0);
    expect([...(first ?? [])].filter((id) => second?.has(id))).toEqual([]);
    expect(JSON.stringify(mimir.requests.map(({ body }) => body))).toContain('"hookspan.session.count"');

    const ofAll = tracesOf(...gateways);
    await vi.waitFor(
      () =>
        expect(
          tempo
            .spans()
            .map(({ traceId }) => traceId)
            .sort(),
        ).toEqual(ofAll),
      LONG,
    );

    // Both count what they saw, as themselves.
    for (const gateway of gateways)
      await vi.waitFor(() => expect(callsOf(gateway)).toBe(spansOf(gateway).length), LONG);
    const resources = gateways.map((gateway) =>
      gateway.metrics().flatMap(({ resourceMetrics = [] }) => resourceMetrics),
    );
    const who = resources.map(
      (all) => new Set(all.map(({ resource }) => plain(resource.attributes)["service.instance.id"])),
    );
    expect(who).toEqual([new Set(["gateway-0"]), new Set(["gateway-1"])]);
  });

  test("while one gateway is down, the other gets its spans; each span arrives once", async () => {
    const { edge, gateways } = await startFleet(program ?? "");
    const [up, down] = gateways;
    const ids = Array.from({ length: 60 }, aTrace);
    await down.stop();
    // Of one trace each, and then one with many, which has to wait for both.
    for (const id of ids.slice(0, 40)) expect(await post(edge.endpoint, spans([id]), RIGHT)).toBe(200);
    expect(await post(edge.endpoint, spans(ids.slice(40)), RIGHT)).toBe(200);
    await vi.waitFor(() => expect(spansOf(up).length).toBeGreaterThan(0), LONG);
    await down.start();
    await vi.waitFor(() => expect(tracesOf(...gateways).length).toBeGreaterThanOrEqual(ids.length), LONG);
    expect(spansOf(down).length).toBeGreaterThan(0);
    // In good order, so nothing is on its way any more.
    await edge.stop();
    for (const gateway of gateways) await gateway.stop();
    expect(tracesOf(...gateways)).toEqual(ids.toSorted());
  });

  test("the edge killed while both gateways are down: all that was acknowledged arrives", async () => {
    const { edge, gateways, mimir } = await startFleet(program ?? "");
    for (const gateway of gateways) await gateway.stop();
    mimir.answerWith({ status: 503 });
    const ids = Array.from({ length: 60 }, aTrace);
    for (let n = 0; n < ids.length; n += 3) {
      expect(await post(edge.endpoint, spans(ids.slice(n, n + 3)), RIGHT)).toBe(200);
      expect(await post(edge.endpoint, gauge(n), RIGHT)).toBe(200);
    }
    await edge.kill();
    const heard = mimir.requests.length;
    for (const gateway of gateways) await gateway.start();
    mimir.answerWith({ status: 200, headers: { "content-type": "application/json" }, body: "{}" });
    await edge.start();
    await vi.waitFor(() => expect([...new Set(tracesOf(...gateways))]).toEqual(ids.toSorted()), LONG);
    await vi.waitFor(() => {
      const values = mimir.requests.slice(heard).map(({ body }) => gaugeIn(body));
      expect(new Set(values)).toEqual(new Set(ids.flatMap((_, n) => (n % 3 === 0 ? [n] : []))));
    }, LONG);
  });
});

function aTrace(): string {
  return randomBytes(16).toString("hex");
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

function attributes(values: Record<string, string>): OtlpAttribute[] {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** One span for each trace. What is claimed is claimed at every level. */
function spans(traceIds: readonly string[], claimed: readonly OtlpAttribute[] = []): object {
  const all = traceIds.map((traceId) => ({
    traceId,
    spanId: randomBytes(8).toString("hex"),
    name: "invoke_agent test",
    kind: 1,
    startTimeUnixNano: AT_NS,
    endTimeUnixNano: AT_NS,
    attributes: claimed,
    events: [{ timeUnixNano: AT_NS, name: "event", attributes: claimed }],
  }));
  const scopeSpans = [{ scope: { name: "test", attributes: claimed }, spans: all }];
  // span_metrics passes over spans of no service.
  const own = attributes({ "service.name": "test" });
  return { resourceSpans: [{ resource: { attributes: [...own, ...claimed] }, scopeSpans }] };
}

function gauge(value: number, claimed: readonly OtlpAttribute[] = []): object {
  const dataPoints = [{ timeUnixNano: AT_NS, asInt: String(value), attributes: claimed }];
  const metrics = [{ name: "test", gauge: { dataPoints } }];
  const scopeMetrics = [{ scope: { name: "test", attributes: claimed }, metrics }];
  return { resourceMetrics: [{ resource: { attributes: claimed }, scopeMetrics }] };
}

function gaugeIn({ resourceMetrics }: OtlpBody): number {
  return Number(resourceMetrics?.[0]?.scopeMetrics[0]?.metrics[0]?.gauge?.dataPoints[0]?.asInt);
}

function spansOf(...gateways: Gateway[]): { traceId: string }[] {
  return gateways.flatMap((gateway) =>
    gateway
      .traces()
      .flatMap(({ resourceSpans = [] }) => resourceSpans.flatMap((one) => one.scopeSpans.flatMap((s) => s.spans))),
  );
}

/** Of each span that arrived; sorted. */
function tracesOf(...gateways: Gateway[]): string[] {
  return spansOf(...gateways)
    .map(({ traceId }) => traceId)
    .sort();
}

/** By the last word of each series of the gateway's span_metrics. */
function callsOf(gateway: Gateway): number {
  const last = new Map<string, number>();
  for (const { resourceMetrics = [] } of gateway.metrics())
    for (const { resource, scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics)
        for (const { name, sum } of metrics)
          for (const point of name === "traces.span.metrics.calls" ? (sum?.dataPoints ?? []) : [])
            last.set(JSON.stringify([plain(resource.attributes), plain(point.attributes)]), Number(point.asInt));
  return [...last.values()].reduce((all, calls) => all + calls, 0);
}

/** Resolves with the status. */
async function post(endpoint: string, body: object, authorization?: string): Promise<number | undefined> {
  const path = "resourceSpans" in body ? "/v1/traces" : "/v1/metrics";
  const headers = { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) };
  const sent = request(`${endpoint}${path}`, { method: "POST", headers, ca: readFileSync(RECORDER_CERTIFICATE) });
  sent.end(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    sent.once("error", reject);
    sent.once("response", (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode));
    });
  });
}
