// What must survive a crash is proved on disks that fail (test/model), so nothing of it may go past the port to the disk.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");
const ROOMS = ["bridge", "intake", "metric", "otlp", "spool", "store", "trace", "transcript"];

/** With what they may call, and why none of it is state of ours. */
const PAST_THE_PORT: Record<string, string> = {
  "bridge/process-alive.ts": "readFileSync", // /proc
  "bridge/repository.ts": "realpathSync, statSync", // git's own files
  "otlp/wire.ts": "readFileSync", // certificates
  "spool/watch.ts": "statSync, watch", // only wakes the bridge
  "store/process-identity.ts": "existsSync, readFileSync, readlinkSync", // /proc
  "transcript/reader.ts": "closeSync, readSync, statSync", // what agents write
  "transcript/regular-file.ts": "closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync, type Stats",
};

test("the rooms of a bridge touch the disk through its port alone", () => {
  const found = ROOMS.flatMap((room) =>
    readdirSync(join(SRC, room))
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "disk.ts")
      .flatMap((name): [string, string][] => {
        const text = readFileSync(join(SRC, room, name), "utf8");
        const names = /import \{([^}]*)\} from "node:fs(?:\/promises)?"/.exec(text)?.[1];
        return names === undefined ? [] : [[`${room}/${name}`, names.trim()]];
      }),
  );
  expect(Object.fromEntries(found)).toEqual(PAST_THE_PORT);
});
