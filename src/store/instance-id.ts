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
  const known = configured ?? knownInstanceId(disk, path);
  if (known !== undefined) return known;
  const made = randomUUID();
  writeFileAtomically(disk, path, `${made}\n`);
  return made;
}

/** The one that was made already. */
export function knownInstanceId(disk: Pick<Disk, "read">, path: string): string | undefined {
  const known = ifPresent(() => disk.read(path))
    ?.toString()
    .trim();
  return known !== undefined && UUID.test(known) ? known : undefined;
}
