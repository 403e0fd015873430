/** OTLP as protobuf, from the same as JSON: as much of it as tests send. Field numbers of opentelemetry-proto 1.7.0. */

type Json = { [key: string]: unknown };

/** `i` a varint, `f` eight bytes, `w` four, `d` a double, `h` hexadecimal bytes, `s` text, `m` a message of the named kind. */
type Fields = Record<string, [field: number, kind: string]>;

const MESSAGES: Record<string, Fields> = {
  logs: { resourceLogs: [1, "resourceLogs"] },
  resourceLogs: { resource: [1, "resource"], scopeLogs: [2, "scopeLogs"] },
  scopeLogs: { scope: [1, "scope"], logRecords: [2, "logRecord"] },
  logRecord: {
    timeUnixNano: [1, "f"],
    observedTimeUnixNano: [11, "f"],
    severityNumber: [2, "i"],
    severityText: [3, "s"],
    body: [5, "value"],
    attributes: [6, "attribute"],
    flags: [8, "w"],
    traceId: [9, "h"],
    spanId: [10, "h"],
  },
  traces: { resourceSpans: [1, "resourceSpans"] },
  resourceSpans: { resource: [1, "resource"], scopeSpans: [2, "scopeSpans"] },
  scopeSpans: { scope: [1, "scope"], spans: [2, "span"] },
  span: {
    traceId: [1, "h"],
    spanId: [2, "h"],
    traceState: [3, "s"],
    parentSpanId: [4, "h"],
    name: [5, "s"],
    kind: [6, "i"],
    startTimeUnixNano: [7, "f"],
    endTimeUnixNano: [8, "f"],
    attributes: [9, "attribute"],
  },
  metrics: { resourceMetrics: [1, "resourceMetrics"] },
  resourceMetrics: { resource: [1, "resource"], scopeMetrics: [2, "scopeMetrics"] },
  scopeMetrics: { scope: [1, "scope"], metrics: [2, "metric"] },
  metric: {
    name: [1, "s"],
    description: [2, "s"],
    unit: [3, "s"],
    gauge: [5, "numbers"],
    sum: [7, "numbers"],
    histogram: [9, "histograms"],
    exponentialHistogram: [10, "exponentials"],
    summary: [11, "summaries"],
  },
  numbers: { dataPoints: [1, "number"], aggregationTemporality: [2, "i"], isMonotonic: [3, "i"] },
  histograms: { dataPoints: [1, "histogram"], aggregationTemporality: [2, "i"] },
  exponentials: { dataPoints: [1, "exponential"], aggregationTemporality: [2, "i"] },
  summaries: { dataPoints: [1, "summary"] },
  number: {
    startTimeUnixNano: [2, "f"],
    timeUnixNano: [3, "f"],
    asDouble: [4, "d"],
    asInt: [6, "f"],
    attributes: [7, "attribute"],
  },
  histogram: { timeUnixNano: [3, "f"], attributes: [9, "attribute"] },
  exponential: { attributes: [1, "attribute"], timeUnixNano: [3, "f"] },
  summary: { timeUnixNano: [3, "f"], attributes: [7, "attribute"] },
  resource: { attributes: [1, "attribute"] },
  scope: { name: [1, "s"], version: [2, "s"] },
  attribute: { key: [1, "s"], value: [2, "value"] },
  value: {
    stringValue: [1, "s"],
    boolValue: [2, "i"],
    intValue: [3, "i"],
    doubleValue: [4, "d"],
    arrayValue: [5, "array"],
  },
  array: { values: [1, "value"] },
};

/** The request of a signal; what stands in it and is not known here is left out. */
export function toProtobuf(signal: "logs" | "traces" | "metrics", request: unknown): Buffer {
  return message(signal, request);
}

function message(kind: string, value: unknown): Buffer {
  if (typeof value !== "object" || value === null) return Buffer.alloc(0);
  const given: Json = { ...value };
  return Buffer.concat(
    Object.entries(MESSAGES[kind] ?? {}).flatMap(([name, [field, type]]) => {
      const items = Array.isArray(given[name]) ? given[name] : given[name] === undefined ? [] : [given[name]];
      return items.map((item: unknown) => encoded(field, type, item));
    }),
  );
}

function encoded(field: number, type: string, value: unknown): Buffer {
  switch (type) {
    case "i":
      return Buffer.concat([varint(field * 8), varint(BigInt(Number(value)))]);
    case "f": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(String(value)));
      return Buffer.concat([varint(field * 8 + 1), bytes]);
    }
    case "w": {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(Number(value));
      return Buffer.concat([varint(field * 8 + 5), bytes]);
    }
    case "d": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(Number(value));
      return Buffer.concat([varint(field * 8 + 1), bytes]);
    }
    case "h":
      return delimited(field, Buffer.from(String(value), "hex"));
    case "s":
      return delimited(field, Buffer.from(String(value)));
    default:
      return delimited(field, message(type, value));
  }
}

function delimited(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
