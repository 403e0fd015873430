/**
 * `identity.json`: who the user of a session is, as its agent's telemetry said, for 24 hours after it was last heard. Not part
 * of a commit: what is lost of it is said again with the next telemetry.
 */

import * as z from "zod";

import { writeFileAtomically } from "./atomic-file.ts";
import type { Disk } from "./disk.ts";
import { toJson } from "./json.ts";
import type { Quarantine } from "./quarantine.ts";
import { readVersionedFile } from "./versioned-file.ts";

const VERSION = 1;

/** `firstMs`, `heardMs`: milliseconds since the epoch. */
const identity = z.strictObject({
  email: z.string().exactOptional(),
  userId: z.string().exactOptional(),
  organizationId: z.string().exactOptional(),
  firstMs: z.number(),
  heardMs: z.number(),
});

const schema = z.strictObject({ v: z.literal(VERSION), sessions: z.array(z.tuple([z.string(), identity])) });

export type StoredIdentity = z.output<typeof identity>;

/** `isWritable`: false where a newer hookspan wrote the file, which is left as it is. */
export function loadIdentities(
  deps: { disk: Disk; quarantine: Quarantine },
  path: string,
): { sessions: Map<string, StoredIdentity>; isWritable: boolean } {
  const read = readVersionedFile(deps, path, VERSION, (json) => schema.parse(json));
  return { sessions: new Map(read.status === "found" ? read.value.sessions : []), isWritable: read.status !== "newer" };
}

/** @throws the disk's own error. */
export function saveIdentities(disk: Disk, path: string, sessions: ReadonlyMap<string, StoredIdentity>): void {
  writeFileAtomically(disk, path, toJson({ v: VERSION, sessions: [...sessions] }));
}
