/**
 * One-dimensional array parameters in PostgreSQL's binary format (src/backend/utils/adt/arrayfuncs.c, `array_recv`).
 * pg sends a Buffer as a binary parameter; as text, each quote of a JSON document would be escaped here and unescaped
 * there. Every parameter needs its cast in the statement (`$1::uuid[]`), so that the server expects this very type.
 */
const HEADER_BYTES = 20;
/** Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n;

interface ElementType<T> {
  readonly oid: number;
  bytes(value: T): number;
  write(value: T, into: Buffer, at: number): void;
}

const TEXT: ElementType<string> = {
  oid: 25,
  bytes: (value) => Buffer.byteLength(value),
  write: (value, into, at) => void into.write(value, at, 'utf8'),
};
const UUID: ElementType<string> = {
  oid: 2950,
  bytes: () => 16,
  write: (value, into, at) => {
    const written = into.write(value.replaceAll('-', ''), at, 16, 'hex');
    if (written !== 16) throw new RangeError(`not a UUID: ${value.slice(0, 64)}`);
  },
};
const BYTEA: ElementType<Uint8Array> = {
  oid: 17,
  bytes: (value) => value.length,
  write: (value, into, at) => into.set(value, at),
};
const SMALLINT: ElementType<number> = {
  oid: 21,
  bytes: () => 2,
  write: (value, into, at) => void into.writeInt16BE(value, at),
};
const INTEGER: ElementType<number> = {
  oid: 23,
  bytes: () => 4,
  write: (value, into, at) => void into.writeInt32BE(value, at),
};
const BIGINT: ElementType<bigint> = {
  oid: 20,
  bytes: () => 8,
  write: (value, into, at) => void into.writeBigInt64BE(value, at),
};
const TIMESTAMP: ElementType<number> = {
  oid: 1184,
  bytes: () => 8,
  write: (value, into, at) => void into.writeBigInt64BE(BigInt(value) * 1000n - POSTGRES_EPOCH_US, at),
};

function encode<T>(type: ElementType<T>, values: readonly (T | null)[]): Buffer {
  let size = HEADER_BYTES;
  let nulls = 0;
  for (const value of values) {
    if (value === null) nulls = 1;
    size += 4 + (value === null ? 0 : type.bytes(value));
  }
  const dimensions = values.length === 0 ? 0 : 1; // an empty array has no dimension at all
  const buffer = Buffer.allocUnsafe(dimensions === 0 ? 12 : size);
  buffer.writeInt32BE(dimensions, 0);
  buffer.writeInt32BE(nulls, 4);
  buffer.writeInt32BE(type.oid, 8);
  if (dimensions === 0) return buffer;
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16); // lower bound
  let at = HEADER_BYTES;
  for (const value of values) {
    const bytes = value === null ? -1 : type.bytes(value);
    buffer.writeInt32BE(bytes, at);
    at += 4;
    if (value === null) continue;
    type.write(value, buffer, at);
    at += bytes;
  }
  return buffer;
}

export const texts = (values: readonly (string | null)[]): Buffer => encode(TEXT, values);
/** @throws {RangeError} when a value is no UUID. */
export const uuids = (values: readonly (string | null)[]): Buffer => encode(UUID, values);
export const byteas = (values: readonly (Uint8Array | null)[]): Buffer => encode(BYTEA, values);
export const smallints = (values: readonly (number | null)[]): Buffer => encode(SMALLINT, values);
export const integers = (values: readonly (number | null)[]): Buffer => encode(INTEGER, values);
export const bigints = (values: readonly (bigint | null)[]): Buffer => encode(BIGINT, values);
/** Unix milliseconds → timestamptz. */
export const timestamps = (values: readonly (number | null)[]): Buffer => encode(TIMESTAMP, values);
