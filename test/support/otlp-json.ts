/** OTLP JSON as it arrives, as far as tests look at it. int64 are strings or numbers, as the sender wrote them. */

type OtlpValue = {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: number | string;
  doubleValue?: number;
  arrayValue?: { values: OtlpValue[] };
};

export type OtlpAttribute = { key: string; value: OtlpValue };
type OtlpScope = { name: string; version?: string };
type OtlpLink = {
  traceId: string;
  spanId: string;
  flags?: number;
  attributes?: OtlpAttribute[];
};

export type OtlpSpan = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  flags?: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number; message?: string };
  attributes?: OtlpAttribute[];
  links?: OtlpLink[];
  events?: unknown[];
  droppedAttributesCount?: number;
};

type OtlpPoint = {
  attributes?: OtlpAttribute[];
  startTimeUnixNano: string;
  timeUnixNano: string;
  asInt?: number | string;
  asDouble?: number;
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  bucketCounts?: number[];
  explicitBounds?: number[];
};

export type OtlpMetric = {
  name: string;
  unit?: string;
  description?: string;
  sum?: { aggregationTemporality: number; isMonotonic?: boolean; dataPoints: OtlpPoint[] };
  gauge?: { dataPoints: OtlpPoint[] };
  histogram?: { aggregationTemporality: number; dataPoints: OtlpPoint[] };
};

type OtlpResource = { attributes: OtlpAttribute[] };
type ResourceSpans = {
  resource: OtlpResource;
  scopeSpans: { scope: OtlpScope; spans: OtlpSpan[] }[];
};
type ResourceMetrics = {
  resource: OtlpResource;
  scopeMetrics: { scope: OtlpScope; metrics: OtlpMetric[] }[];
};

export type OtlpBody = { resourceSpans?: ResourceSpans[]; resourceMetrics?: ResourceMetrics[] };

/** The body of a request to the recorder. Tests check what is in it, so its form is taken on trust here. */
export function parseOtlp(json: string): OtlpBody {
  const body: OtlpBody = JSON.parse(json);
  return body;
}

/** Attributes as a plain object: what a reader would expect to see. */
export function plain(attributes: OtlpAttribute[] | undefined): Record<string, unknown> {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: OtlpValue): unknown {
  if (value.arrayValue) return value.arrayValue.values.map(plainValue);
  return value.stringValue ?? value.boolValue ?? value.intValue ?? value.doubleValue;
}
