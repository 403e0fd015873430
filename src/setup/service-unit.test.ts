import { describe, expect, test } from "vitest";

import { isServiceText, launchdPlist, type ServiceProgram, systemdUnit, unsayable } from "./service-unit.ts";

const PROGRAM: ServiceProgram = {
  node: "/opt/node/bin/node",
  bundle: "/home/me/.local/share/hookspan/dist/hookspan.cjs",
  env: { HOOKSPAN_HOME: "/data/hookspan" },
  log: "/Users/me/Library/Logs/hookspan.log",
};

test("a unit of systemd", () => {
  expect(systemdUnit(PROGRAM))
    .toBe(`# Made by \`hookspan service install\`, and rewritten by it. Your own lines: systemctl --user edit hookspan.service
[Unit]
Description=hookspan bridge: events of AI coding agents to OpenTelemetry
StartLimitIntervalSec=0

[Service]
ExecStart="/opt/node/bin/node" "/home/me/.local/share/hookspan/dist/hookspan.cjs" bridge
Restart=always
RestartSec=5
UMask=0077
Environment="HOOKSPAN_HOME=/data/hookspan"

[Install]
WantedBy=default.target
`);
});

// `systemd-analyze --user verify` of systemd 252 took a unit with all of these.
test.for<[string, string]>([
  ["/with space/x", '"/with space/x"'],
  ['/a "b"', String.raw`"/a \"b\""`],
  [String.raw`/a\b`, String.raw`"/a\\b"`],
  ["/100%", '"/100%%"'],
  ["/$HOME", '"/$$HOME"'],
])("a path for systemd: %s", ([bundle, word]) => {
  expect(systemdUnit({ ...PROGRAM, bundle })).toContain(`ExecStart="/opt/node/bin/node" ${word} bridge\n`);
});

test("a variable of systemd keeps its dollar", () => {
  expect(systemdUnit({ ...PROGRAM, env: { HOOKSPAN_HOME: "/$x %" } })).toContain(
    'Environment="HOOKSPAN_HOME=/$x %%"\n',
  );
});

test("an agent of launchd, with what XML would take for its own", () => {
  const text = launchdPlist({ ...PROGRAM, bundle: "/a&b<c>/hookspan.cjs" });
  expect(text).toContain(`  <key>ProgramArguments</key>
  <array>
    <string>/opt/node/bin/node</string>
    <string>/a&amp;b&lt;c&gt;/hookspan.cjs</string>
    <string>bridge</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>HOOKSPAN_HOME</key>
    <string>/data/hookspan</string>
  </dict>
`);
  expect(text).toContain("  <key>Label</key>\n  <string>hookspan.bridge</string>\n");
  expect(text).toMatch(/<key>KeepAlive<\/key>\s+<true\/>/);
});

describe("what is ours", () => {
  test("is known by its head", () => {
    expect(isServiceText(systemdUnit(PROGRAM))).toBe(true);
    expect(isServiceText(launchdPlist(PROGRAM))).toBe(true);
    expect(isServiceText("[Service]\nExecStart=/usr/bin/hookspan bridge\n")).toBe(false);
  });

  test("has no line break in a word: it could forge a setting", () => {
    expect(unsayable(PROGRAM)).toBeUndefined();
    expect(unsayable({ ...PROGRAM, env: { HOOKSPAN_HOME: "/x\nExecStart=/evil" } })).toMatch(/control character/);
  });
});
