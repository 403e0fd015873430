import { ValueType } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { INSTRUMENTS, type Instrument } from "../metric/instruments.ts";
import type { MetricPoints, Point } from "../metric/point.ts";
import { toHrTime } from "./hr-time.ts";

/** Units that are measured and not counted, so that their values are doubles on the wire; all others are whole numbers. */
const MEASURED_UNITS = new Set(["s", "USD"]);

/**
 * The points of one resource as the official exporter takes them: cumulative, with the start times and the order that
 * the points have. Nothing is aggregated here: an SDK reader would start every series anew with the process.
 */
export function toResourceMetrics(
  points: readonly MetricPoints[],
  resource: Resource,
  scope: InstrumentationScope,
): ResourceMetrics {
  return { resource, scopeMetrics: [{ scope, metrics: points.map(toMetricData) }] };
}

function toMetricData({ metric, points }: MetricPoints): MetricData {
  const instrument: Instrument = INSTRUMENTS[metric];
  const base = {
    descriptor: {
      name: metric,
      unit: instrument.unit,
      description: instrument.description,
      valueType: MEASURED_UNITS.has(instrument.unit) ? ValueType.DOUBLE : ValueType.INT,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (instrument.kind) {
    case "counter":
      return {
        ...base,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: points.map((point) => toDataPoint(point, numberOf(metric, point))),
      };
    case "gauge":
      return {
        ...base,
        dataPointType: DataPointType.GAUGE,
        dataPoints: points.map((point) => toDataPoint(point, numberOf(metric, point))),
      };
    case "histogram":
      return {
        ...base,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: points.map((point) => toDataPoint(point, histogramOf(metric, point, instrument.boundaries))),
      };
  }
}

function toDataPoint<T>(point: Point, value: T): DataPoint<T> {
  return {
    startTime: toHrTime(point.startNs),
    endTime: toHrTime(point.atNs),
    attributes: point.attributes,
    value,
  };
}

function numberOf(metric: string, { value }: Point): number {
  if (typeof value !== "number")
    throw new TypeError(`metric ${metric} has a histogram as value: it is a counter or a gauge`);
  return value;
}

function histogramOf(metric: string, { value }: Point, boundaries: readonly number[]): Histogram {
  if (typeof value === "number" || value.buckets.length !== boundaries.length + 1) {
    throw new TypeError(
      `metric ${metric} needs ${boundaries.length + 1} buckets: its stored totals belong to other boundaries`,
    );
  }
  const { count, sum, min, max, buckets } = value;
  return {
    count,
    sum,
    // The smallest of no observations is no number, and JSON has no infinity.
    ...(count > 0 ? { min, max } : {}),
    buckets: { boundaries: [...boundaries], counts: buckets },
  };
}
