import { readFileSync } from "node:fs";
import { join } from "node:path";

import { vi } from "vitest";

import { type IntakeAddress, verified } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { type Installed, WAIT } from "./installed.ts";

/** Where the intake listens, once it has proved itself. With a pid: that of this very bridge. */
export function intakeOf(installed: Installed, pid?: number): Promise<IntakeAddress> {
  return vi.waitFor(async () => {
    const found = await verified(realDisk, installed.state);
    if (found.status !== "verified") throw new Error(`the intake is ${found.status}`);
    const file: { pid: number } = JSON.parse(readFileSync(join(installed.state, "bridge.json"), "utf8"));
    if (pid !== undefined && file.pid !== pid) throw new Error("the intake is that of another bridge");
    return found;
  }, WAIT);
}
