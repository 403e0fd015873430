/**
 * `totals.json`: every metric series. Two hands write it. A commit merges the series that its events changed; before a
 * metrics export `saveSent` notes what the request will say, and nothing else: increments that no commit holds must not get
 * here, for after a crash their envelopes would be counted again. `saveSent` must not run while a commit is pending, which
 * would put older marks over newer ones.
 */

import * as z from "zod";

import { INSTRUMENTS, type MetricName } from "../metric/instruments.ts";
import type { SentPoint, Series, Totals } from "../metric/totals.ts";
import { replaceFile, writeFileAtomically } from "./atomic-file.ts";
import type { Disk } from "./disk.ts";
import { toJson } from "./json.ts";
import type { Quarantine } from "./quarantine.ts";
import { readVersionedFile } from "./versioned-file.ts";
import type { FileRead } from "./versioned-file.ts";

const TOTALS_VERSION = 1;

const ns = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const value = z.union([
  z.number(),
  z.strictObject({
    count: z.number(),
    sum: z.number(),
    min: z.number(),
    max: z.number(),
    buckets: z.array(z.number()),
  }),
]);
const seriesSchema = z.strictObject({
  metric: z.custom<MetricName>((name) => typeof name === "string" && Object.hasOwn(INSTRUMENTS, name)),
  agent: z.string(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  value,
  credit: z.number().exactOptional(),
  startNs: ns.exactOptional(),
  sent: z.strictObject({ atNs: ns, value }).exactOptional(),
}) satisfies z.ZodType<Series>;

const totalsSchema = z.strictObject({
  v: z.literal(TOTALS_VERSION),
  lastExportNs: ns,
  series: z.array(z.tuple([z.string(), seriesSchema])),
});

/** The same file with its series unread: who replaces some of them need not understand any. */
const outlineSchema = z.strictObject({
  v: z.literal(TOTALS_VERSION),
  lastExportNs: z.string(),
  series: z.array(z.tuple([z.string(), z.record(z.string(), z.unknown())])),
});

/** What one export says of a series: the marks that `pointsToSend` plans. */
export type SentMark = SentPoint & { startNs: bigint };

type Deps = { disk: Disk; quarantine: Quarantine };

export function loadTotals(deps: Deps, path: string): FileRead<Totals> {
  return readVersionedFile(deps, path, TOTALS_VERSION, (json) => {
    const { lastExportNs, series } = totalsSchema.parse(json);
    return { lastExportNs, series: new Map(series) };
  });
}

/**
 * Puts series (absolute values, so doing it again changes nothing) into the file; their new name is durable once the
 * directory is synced. Throws if a newer hookspan wrote the file.
 */
export function mergeSeries(deps: Deps, path: string, changed: [string, unknown][]): void {
  const outline = readOutline(deps, path);
  const series = [...new Map<string, unknown>([...outline.series, ...changed])];
  replaceFile(deps.disk, path, toJson({ ...outline, series }));
}

/** Notes, durably, what the request that is about to leave says. Series that no commit has brought yet are left out. */
export function saveSent(deps: Deps, path: string, plan: { atNs: bigint; sent: Map<string, SentMark> }): void {
  const outline = readOutline(deps, path);
  const series = outline.series.map(([key, known]) => {
    const mark = plan.sent.get(key);
    if (mark === undefined) return [key, known];
    const { startNs, atNs, value: said } = mark;
    return [key, { ...known, startNs, sent: { atNs, value: said } }];
  });
  writeFileAtomically(deps.disk, path, toJson({ ...outline, lastExportNs: plan.atNs, series }));
}

function readOutline(deps: Deps, path: string): z.output<typeof outlineSchema> {
  const read = readVersionedFile(deps, path, TOTALS_VERSION, (json) => outlineSchema.parse(json));
  if (read.status === "newer") {
    throw new Error(`${path} has version ${read.v}, this hookspan knows ${TOTALS_VERSION}; upgrade hookspan`);
  }
  return read.status === "found" ? read.value : { v: TOTALS_VERSION, lastExportNs: "0", series: [] };
}
