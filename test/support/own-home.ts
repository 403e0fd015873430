/**
 * Vitest's global setup: the tests, and whatever they start, have a home of their own, which is nobody's. Who forgets to give a
 * program its own would write there, and the run fails; it fails as well if hookspan's or an agent's places in the real home change.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

import { placesIn } from "./home-places.ts";

/** What says where hookspan and the agents keep their things, before HOME does. */
const ELSEWHERE =
  /^(?:XDG_(?:CONFIG|DATA|STATE)_HOME|HOOKSPAN_(?:HOME|CONFIG|ENDPOINT|HEADERS|CAPTURE|INSTANCE|LOG_LEVEL|DISABLED|AUTOSTART)|CLAUDE_CONFIG_DIR|CODEX_HOME|HERMES_HOME|COPILOT_HOME)$/;

/** Gives the teardown, which says what was touched, and fails the run. */
export function setup(): () => void {
  const real = homedir();
  const before = placesIn(real);
  const home = mkdtempSync(join(tmpdir(), "hookspan-home-"));
  // The programs of the stack tests lie there.
  process.env["XDG_CACHE_HOME"] ||= join(real, ".cache");
  process.env["HOME"] = home;
  for (const name of Object.keys(process.env)) if (ELSEWHERE.test(name)) delete process.env[name];
  return function teardown() {
    const written = readdirSync(home, { recursive: true, encoding: "utf8" });
    rmSync(home, { recursive: true });
    const after = placesIn(real);
    const changed = [...before, ...after].filter((place) => !(before.includes(place) && after.includes(place)));
    if (written.length + changed.length === 0) return;
    const places = [...written.map((name) => `~/${name}`), ...changed].join(", ");
    process.stderr.write(`FAIL: a test has written to the home of whoever runs it: ${places}\n`);
    // What is thrown here is only printed.
    process.exitCode = 1;
  };
}
