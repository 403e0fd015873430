/**
 * The attributes of interest in a request of OTLP as protobuf. Field numbers of
 * https://github.com/open-telemetry/opentelemetry-proto/tree/v1.7.0/opentelemetry/proto
 */

import { byteFields } from "./protobuf.ts";
import type { Signal } from "./route.ts";
import { isWanted, type Told } from "./sighting.ts";

/** The same in all requests, and in what lies in them. */
const RESOURCE_ITEMS = 1;
const RESOURCE = 1;
const SCOPE_ITEMS = 2;
const RECORDS = 2;
const RESOURCE_ATTRIBUTES = 1;

const LOG_ATTRIBUTES = 6;
const SPAN_ATTRIBUTES = 9;
const DATA_POINTS = 1;

/** The data of a metric by its field, and the attributes of its points: gauge, sum, histogram, exponential histogram, summary. */
const POINT_ATTRIBUTES: ReadonlyMap<number, number> = new Map([
  [5, 7],
  [7, 7],
  [9, 9],
  [10, 1],
  [11, 7],
]);

/** @throws ProtobufError if it is no such message. */
export function* toldInProtobuf(signal: Signal, body: Uint8Array): Generator<readonly Told[]> {
  for (const one of all(body, RESOURCE_ITEMS)) {
    const ofResource = merged([...all(one, RESOURCE)].map((resource) => attributesIn(resource, RESOURCE_ATTRIBUTES)));
    for (const scope of all(one, SCOPE_ITEMS))
      for (const record of all(scope, RECORDS))
        for (const attributes of recordsIn(signal, record)) yield [attributes, ofResource];
  }
}

function* recordsIn(signal: Signal, record: Uint8Array): Generator<Told> {
  switch (signal) {
    case "logs":
      yield attributesIn(record, LOG_ATTRIBUTES);
      return;
    case "traces":
      yield attributesIn(record, SPAN_ATTRIBUTES);
      return;
    case "metrics":
      for (const { field, bytes } of byteFields(record)) {
        const attributes = POINT_ATTRIBUTES.get(field);
        if (attributes === undefined) continue;
        for (const point of all(bytes, DATA_POINTS)) yield attributesIn(point, attributes);
      }
  }
}

/** `KeyValue {key = 1, value = 2}`, whose value is `AnyValue {string_value = 1}` where it is a string. */
function attributesIn(message: Uint8Array, field: number): Told {
  const told = new Map<string, string>();
  for (const attribute of all(message, field)) {
    const key = last(attribute, 1);
    if (key === undefined || !isWanted(textOf(key))) continue;
    const value = last(attribute, 2);
    const text = value === undefined ? undefined : last(value, 1);
    if (text !== undefined) told.set(textOf(key), textOf(text));
  }
  return told;
}

function merged(parts: readonly Told[]): Told {
  return new Map(parts.flatMap((part) => [...part]));
}

function* all(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { field, bytes } of byteFields(message)) if (field === wanted) yield bytes;
}

function last(message: Uint8Array, wanted: number): Uint8Array | undefined {
  return [...all(message, wanted)].at(-1);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
