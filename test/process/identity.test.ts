// Who the user is, learned from Claude Code's own telemetry on its way through the intake of a real bridge.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { expect, test, vi } from "vitest";

import { verified, type IntakeAddress } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { install, WAIT, type Installed } from "../support/installed.ts";
import { ask } from "../support/intake.ts";
import {
  contentOf,
  NATIVE_SESSIONS,
  NATIVE_USER,
  nativeHooks,
  nativeRequests,
  withEmails,
  type NativeRequest,
} from "../support/native-telemetry.ts";
import { plain, type OtlpAttribute } from "../support/otlp-json.ts";

const [FIRST, SECOND] = NATIVE_SESSIONS;

test("telemetry first: the recorded requests reach the Collector as they came, and the sessions' spans have their user", async () => {
  const { installed, address } = await start({ learn: true });
  await postTelemetry(address, nativeRequests());
  await postHooks(address);
  await installed.run(["flush", "--close"]);
  expect(usersOf(installed)).toEqual({ [FIRST]: [{ "user.id": NATIVE_USER }], [SECOND]: [{ "user.id": NATIVE_USER }] });
  const passed = installed.recorder.requests.filter(({ headers }) => headers["x-hookspan-via"] !== undefined);
  expect(passed).toHaveLength(nativeRequests().length);
  expect(contentOf(passed.map(({ body }) => body))).toEqual(contentOf(nativeRequests().map(({ body }) => body)));
});

test("hooks first: finished spans wait for their user, and go with it", async () => {
  const { installed, address } = await start({ learn: true, waitSeconds: 600 });
  await postHooks(address);
  // Totals wait for nothing, so by now the spans were looked at, too.
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(2), WAIT);
  expect(usersOf(installed)).toEqual({});
  await postTelemetry(address, withEmails(nativeRequests()));
  await vi.waitFor(
    () =>
      expect(usersOf(installed)).toEqual({
        [FIRST]: [{ "user.id": NATIVE_USER, "user.email": "0a8b@example.org" }],
        [SECOND]: [{ "user.id": NATIVE_USER, "user.email": "57e1@example.org" }],
      }),
    WAIT,
  );
});

test("never: a bridge that leaves keeps what waits, and flush sends it without a user", async () => {
  const { installed, address } = await start({ learn: true, waitSeconds: 600 });
  await postHooks(address);
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(2), WAIT);
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect(usersOf(installed)).toEqual({ [FIRST]: [{}], [SECOND]: [{}] });
});

test("off, as it is by default: telemetry goes on, and nothing is learned", async () => {
  const { installed, address } = await start(undefined);
  await postTelemetry(address, withEmails(nativeRequests()));
  await postHooks(address);
  await installed.run(["flush", "--close"]);
  expect(usersOf(installed)).toEqual({ [FIRST]: [{}], [SECOND]: [{}] });
});

test("killed with -9: the next bridge still knows the user", async () => {
  const { installed, address, child, ended } = await start({ learn: true });
  await postTelemetry(address, withEmails(nativeRequests()));
  child.kill("SIGKILL");
  await ended;
  installed.start(["bridge"]);
  await postHooks(await intakeOf(installed, address.instance));
  await installed.run(["flush", "--close"]);
  expect(usersOf(installed)).toMatchObject({ [FIRST]: [{ "user.email": "0a8b@example.org" }] });
});

test("configured: the user, the organization, git's name and the host, on spans and on no metric", async () => {
  const { installed, address } = await start({
    user: { email: "me@example.org" },
    organization: "acme",
    git: true,
    host: true,
  });
  await postHooks(address);
  await installed.run(["flush", "--close"]);
  const user = { "user.email": "me@example.org", "user.name": "Me", "hookspan.organization.id": "acme" };
  expect(usersOf(installed)).toMatchObject({ [FIRST]: [user], [SECOND]: [user] });
  expect(JSON.stringify(usersOf(installed))).toContain('"host.name"');
  const ofMetrics = installed.recorder.requests.flatMap(({ body }) => body.resourceMetrics ?? []);
  expect(ofMetrics.flatMap(({ resource }) => resource.attributes.filter(isPersonal))).toEqual([]);
});

type Started = { installed: Installed; address: IntakeAddress } & ReturnType<Installed["start"]>;

async function start(identity: object | undefined): Promise<Started> {
  const installed = await install();
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ identity }));
  writeFileSync(`${String(installed.env["HOME"])}/.gitconfig`, "[user]\n\tname = Me\n\temail = git@example.org\n");
  const started = installed.start(["bridge"]);
  return { installed, address: await intakeOf(installed), ...started };
}

function intakeOf(installed: Installed, except?: string): Promise<IntakeAddress> {
  return vi.waitFor(async () => {
    const found = await verified(realDisk, installed.state);
    if (found.status !== "verified" || found.instance === except) throw new Error(`the intake is ${found.status}`);
    return found;
  }, WAIT);
}

/** Every second one packed. */
async function postTelemetry(address: IntakeAddress, requests: readonly NativeRequest[]): Promise<void> {
  for (const [n, { signal, body }] of requests.entries()) {
    const text = JSON.stringify(body);
    const asked = n % 2 === 0 ? { body: text } : { body: gzipSync(text), headers: { "content-encoding": "gzip" } };
    expect((await ask(address, `/v1/${signal}`, asked)).status).toBe(200);
  }
}

async function postHooks(address: IntakeAddress): Promise<void> {
  for (const body of nativeHooks()) expect((await ask(address, "/v1/hooks/claude-code", { body })).status).toBe(202);
}

/** By session: what the resources of its spans say of a user, each once. Only hookspan's own spans. */
function usersOf({ recorder }: Installed): Record<string, Record<string, unknown>[]> {
  const users = new Map<string, Set<string>>();
  for (const { body } of recorder.requests) {
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      if (plain(resource.attributes)["service.namespace"] !== "hookspan") continue;
      const user = JSON.stringify(plain(resource.attributes.filter(isPersonal)));
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        const session = String(plain(span.attributes)["session.id"]);
        users.set(session, (users.get(session) ?? new Set()).add(user));
      }
    }
  }
  return Object.fromEntries([...users].map(([session, all]) => [session, [...all].map(parsed)]));
}

function parsed(text: string): Record<string, unknown> {
  const user: Record<string, unknown> = JSON.parse(text);
  return user;
}

function isPersonal({ key }: OtlpAttribute): boolean {
  return /^(?:user\.|host\.|hookspan\.organization)/.test(key);
}
