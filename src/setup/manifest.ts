/** What an installation has done, so that it can be taken back: `install.json` beside the hook. */

import { createHash } from "node:crypto";

import { z } from "zod";

import { AGENTS } from "./agents.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const schema = z.object({
  v: z.literal(1),
  /** The files of the installation itself. */
  copies: z.array(z.string()),
  /** Directories that were made for them, outermost first. */
  directories: z.array(z.string()),
  /** The configuration file, where `--endpoint` has edited it: as `files` below. */
  configuration: z
    .array(z.object({ path: z.string(), before: hash.nullable(), after: hash, directories: z.array(z.string()) }))
    .default([]),
  files: z.array(
    z.object({
      agent: z.enum(AGENTS),
      /** `consent`: Hermes' list of hooks that it may run. */
      kind: z.enum(["settings", "consent"]),
      path: z.string(),
      /** SHA-256 of the file without us; null if there was none. The backup has these bytes. */
      before: hash.nullable(),
      /** SHA-256 of the file as we left it: if it is still that, nobody has edited it since. */
      after: hash,
      /** Directories that were made for it, outermost first. */
      directories: z.array(z.string()),
    }),
  ),
});

export type Manifest = z.infer<typeof schema>;
export type ManifestFile = Manifest["files"][number];

export const NO_MANIFEST: Manifest = { v: 1, copies: [], directories: [], configuration: [], files: [] };

/** What an `install.json` says; undefined if it is not one, or a newer version's. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const result = schema.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

/** The same installation gives the same text. */
export function manifestText({ copies, directories, configuration, files }: Manifest): string {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const edited = configuration.length > 0 ? { configuration } : {};
  return `${JSON.stringify({ v: 1, copies: copies.toSorted(), directories, ...edited, files: sorted }, null, 2)}\n`;
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Where the file as it was before is kept. */
export function backupOf(path: string): string {
  return `${path}.hookspan.bak`;
}
