/** The attributes of interest in a request of OTLP as JSON. Reads what it understands and passes over the rest. */

import { isWanted, type Told } from "./sighting.ts";

/** By signal: the lists on the way from the request to its records. `data` of a metric is one of several. */
const WAYS = [
  ["resourceLogs", "scopeLogs", "logRecords"],
  ["resourceSpans", "scopeSpans", "spans"],
  ["resourceMetrics", "scopeMetrics", "metrics"],
] as const;

const POINTS = ["sum", "gauge", "histogram", "exponentialHistogram", "summary"] as const;

/** @throws if it is no JSON. */
export function* toldInJson(body: Uint8Array): Generator<readonly Told[]> {
  const request: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  for (const [resources, scopes, records] of WAYS) {
    for (const one of listOf(request, resources)) {
      const ofResource = attributesOf(fieldOf(one, "resource"));
      for (const scope of listOf(one, scopes)) {
        for (const record of listOf(scope, records)) {
          if (records !== "metrics") yield [attributesOf(record), ofResource];
          else for (const point of pointsOf(record)) yield [attributesOf(point), ofResource];
        }
      }
    }
  }
}

function pointsOf(metric: unknown): unknown[] {
  return POINTS.flatMap((kind) => listOf(fieldOf(metric, kind), "dataPoints"));
}

function attributesOf(holder: unknown): Told {
  const told = new Map<string, string>();
  for (const attribute of listOf(holder, "attributes")) {
    const key = fieldOf(attribute, "key");
    const value = fieldOf(fieldOf(attribute, "value"), "stringValue");
    if (typeof key === "string" && isWanted(key) && typeof value === "string") told.set(key, value);
  }
  return told;
}

function listOf(holder: unknown, name: string): unknown[] {
  const list = fieldOf(holder, name);
  return Array.isArray(list) ? list : [];
}

function fieldOf(holder: unknown, name: string): unknown {
  return typeof holder === "object" && holder !== null && Object.hasOwn(holder, name)
    ? Reflect.get(holder, name)
    : undefined;
}
