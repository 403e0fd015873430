import { randomUUID } from "node:crypto";

import { writeFileAtomically } from "./atomic-file.ts";
import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * service.instance.id: `configured` if there is one, else a UUID that is made once and lives as long as the state
 * directory. A change would start every series anew, so it is on disk before anyone uses it.
 */
export function loadInstanceId(disk: Disk, path: string, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  const known = ifPresent(() => disk.read(path))
    ?.toString()
    .trim();
  if (known !== undefined && UUID.test(known)) return known;
  const made = randomUUID();
  writeFileAtomically(disk, path, `${made}\n`);
  return made;
}
