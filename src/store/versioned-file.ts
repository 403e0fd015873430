/** Reads our own JSON files, which all carry `v`, and tells apart what a crash, a downgrade or a bad disk may leave. */

import { basename } from "node:path";

import * as z from "zod";

import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";
import type { Quarantine } from "./quarantine.ts";

/**
 * - `newer`: written by a later hookspan. It is left as it is, for only that version can read it.
 * - `corrupt`: set aside to quarantine already; the next read finds nothing.
 */
export type FileRead<T> =
  | { status: "found"; value: T }
  | { status: "absent" }
  | { status: "newer"; v: number }
  | { status: "corrupt"; reason: string };

/** `decode` throws on what it does not know. Errors of the disk itself are thrown on: an unreadable file is not a bad one. */
export function readVersionedFile<T>(
  { disk, quarantine }: { disk: Disk; quarantine: Quarantine },
  path: string,
  version: number,
  decode: (json: unknown) => T,
): FileRead<T> {
  const bytes = ifPresent(() => disk.read(path));
  if (bytes === undefined) return { status: "absent" };
  try {
    const json: unknown = JSON.parse(bytes.toString());
    const { v } = z.looseObject({ v: z.number() }).parse(json);
    if (v > version) return { status: "newer", v };
    return { status: "found", value: decode(json) };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    quarantine.setAside(path, basename(path, ".json"), `corrupt ${kindOf(path)}`);
    return { status: "corrupt", reason: `${path}: ${reason}` };
  }
}

function kindOf(path: string): string {
  const parts = path.split(/[/\\]/);
  const folder = parts.at(-2) ?? "";
  return ["sessions", "held", "outbox"].includes(folder) ? folder : basename(path, ".json");
}
