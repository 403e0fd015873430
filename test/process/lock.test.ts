import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { build } from "esbuild";
import { expect, test } from "vitest";

import { realDisk } from "../../src/store/disk.ts";
import { stateDirectory } from "../../src/store/state-directory.ts";
import { tempDirectory } from "../support/temp-state.ts";
import { createStateDirectory } from "../../src/store/state-directory.ts";

const CONTENDERS = 30;
const ROUNDS = 3;

test(
  "30 processes on a cold directory, a third of which die holding the lock: never two at once, and each gets it",
  { timeout: 60_000 },
  async () => {
    const directory = tempDirectory();
    const program = join(directory, "contender.cjs");
    const entry = join(import.meta.dirname, "lock-contender.ts");
    await build({
      entryPoints: [entry],
      outfile: program,
      bundle: true,
      platform: "node",
      format: "cjs",
      logLevel: "error",
    });
    const home = join(directory, "state");
    createStateDirectory(realDisk, home);

    for (let round = 0; round < ROUNDS; round += 1) {
      const ledger = join(directory, `ledger-${round}`);
      const startSign = join(directory, `start-${round}`);
      const contenders = Array.from({ length: CONTENDERS }, (_, i) =>
        spawn(process.execPath, [program, home, ledger, startSign, i % 3 === 0 ? "die" : "leave"], {
          stdio: ["ignore", "ignore", "inherit"],
        }),
      );
      const exits = contenders.map((contender) => once(contender, "exit"));
      writeFileSync(startSign, "");
      await Promise.all(exits);

      const lines = readFileSync(ledger, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" "));
      const pairs = Array.from({ length: lines.length / 2 }, (_, i) => [lines[2 * i], lines[2 * i + 1]]);
      for (const [entered, gone] of pairs) {
        expect(entered?.[1]).toBe("entered");
        expect(gone?.[0]).toBe(entered?.[0]);
        expect(gone?.[1]).toMatch(/^(left|killed)$/);
      }
      expect(new Set(lines.map(([pid]) => pid)).size).toBe(CONTENDERS);
      expect(pairs).toHaveLength(CONTENDERS);
    }
    expect(realDisk.names(stateDirectory(home).home).filter((name) => name.startsWith("lock.")).length).toBeLessThan(4);
  },
);
