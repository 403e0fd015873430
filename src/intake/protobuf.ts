/**
 * As much of the protobuf wire format as it takes to find strings in nested messages.
 * https://protobuf.dev/programming-guides/encoding/
 */

/** What is no message: cut off, or of a wire type that does not exist any more. */
export class ProtobufError extends Error {
  override name = "ProtobufError";
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** A varint of 64 bits. */
const VARINT_BYTES = 10;

/** The fields of a message that hold bytes (strings and messages too), in their order; numbers are passed over. @throws ProtobufError */
export function* byteFields(message: Uint8Array): Generator<{ field: number; bytes: Uint8Array }> {
  let at = 0;
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (field === 0) throw new ProtobufError("a field without a number");
    switch (tag % 8) {
      case VARINT:
        varint();
        break;
      case FIXED64:
        skip(8);
        break;
      case FIXED32:
        skip(4);
        break;
      case BYTES: {
        const length = varint();
        const start = at;
        skip(length);
        yield { field, bytes: message.subarray(start, at) };
        break;
      }
      default:
        throw new ProtobufError("an unknown wire type");
    }
  }

  /** Above 2^53 it is inexact, and longer than any message. */
  function varint(): number {
    let value = 0;
    for (let n = 0; n < VARINT_BYTES; n += 1) {
      const byte = message[at];
      if (byte === undefined) throw new ProtobufError("cut off in a number");
      at += 1;
      value += (byte & 0x7f) * 2 ** (7 * n);
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("a number that is too long");
  }

  function skip(bytes: number): void {
    if (bytes > message.length - at) throw new ProtobufError("cut off in a field");
    at += bytes;
  }
}
