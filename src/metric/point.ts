import type { Attributes } from "../trace/record.ts";
import type { MetricName } from "./instruments.ts";

/** State of one histogram series. `buckets` has one entry more than the instrument has boundaries. */
export type HistogramValue = { count: number; sum: number; min: number; max: number; buckets: number[] };

/** One data point of a cumulative series (or of a gauge). Times are nanoseconds since the epoch. */
export type Point = { attributes: Attributes; startNs: bigint; atNs: bigint; value: number | HistogramValue };

/** The points of one metric and one resource, as one export sends them. */
export type MetricPoints = { agent: string; metric: MetricName; points: Point[] };
