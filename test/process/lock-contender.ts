/**
 * One contender of the lock test: waits for the start sign, tries until it has held the lock once, and writes down when it
 * entered and left. `killed` instead of `left`: it died holding the lock.
 * Arguments: state directory, ledger file, start sign, "leave" or "die".
 */

import { appendFileSync, existsSync } from "node:fs";

import { realDisk } from "../../src/store/disk.ts";
import { acquireLock } from "../../src/store/lock.ts";
import { ownIdentity } from "../../src/store/process-identity.ts";
import { stateDirectory } from "../../src/store/state-directory.ts";

const [home = "", ledger = "", startSign = "", ending = ""] = process.argv.slice(2);
const directory = stateDirectory(home);
const self = ownIdentity();
const pause = new Int32Array(new SharedArrayBuffer(4));

while (!existsSync(startSign)) Atomics.wait(pause, 0, 0, 1);

for (;;) {
  const lock = acquireLock(realDisk, directory, self);
  if (lock.status === "held") {
    note("entered");
    Atomics.wait(pause, 0, 0, 1);
    if (ending === "die") {
      note("killed");
      process.kill(process.pid, "SIGKILL");
    }
    note("left");
    lock.release();
    break;
  }
  Atomics.wait(pause, 0, 0, 1);
}

function note(what: string): void {
  appendFileSync(ledger, `${process.pid} ${what}\n`);
}
