/**
 * One-dimensional array parameters in PostgreSQL's binary format (src/backend/utils/adt/arrayfuncs.c, `array_recv`).
 * pg sends a Buffer as a binary parameter; as text, each quote of a JSON document would be escaped here and unescaped
 * there. Every parameter needs its cast in the statement (`$1::uuid[]`), so that the server expects this very type.
 */
/** Of a statement whose number of rows nothing else bounds: a message of more than 1 GB is none to the server. */
export const ROWS_AT_ONCE_MAX = 10_000;
const HEADER_BYTES = 20;
const EMPTY_BYTES = 12;
/** Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n;

interface ElementType<T> {
  readonly oid: number;
  bytes(value: T): number;
  write(value: T, into: Buffer, at: number): void;
}

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

/** @returns where the values begin */
function writeHeader(buffer: Buffer, oid: number, count: number, nulls: number): number {
  buffer.writeInt32BE(count === 0 ? 0 : 1, 0); // an empty array has no dimension at all
  buffer.writeInt32BE(nulls, 4);
  buffer.writeInt32BE(oid, 8);
  if (count === 0) return EMPTY_BYTES;
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16); // lower bound
  return HEADER_BYTES;
}

function encode<T>(type: ElementType<T>, values: readonly (T | null)[]): Buffer {
  let size = HEADER_BYTES;
  let nulls = 0;
  for (const value of values) {
    if (value === null) nulls = 1;
    size += 4 + (value === null ? 0 : type.bytes(value));
  }
  const buffer = Buffer.allocUnsafe(values.length === 0 ? EMPTY_BYTES : size);
  let at = writeHeader(buffer, type.oid, values.length, nulls);
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

const TEXT_OID = 25;
/** UTF-8 takes at most three bytes for a UTF-16 code unit. */
const UTF8_BYTES_MAX = 3;
/** Where texts are written before their length is known, so that no text is gone through twice; grows as needed. */
let scratch = Buffer.allocUnsafeSlow(65_536);

export function texts(values: readonly (string | null)[]): Buffer {
  let [room, nulls] = [HEADER_BYTES, 0];
  for (const value of values) {
    if (value === null) nulls = 1;
    room += 4 + (value === null ? 0 : value.length * UTF8_BYTES_MAX);
  }
  if (scratch.length < room) scratch = Buffer.allocUnsafeSlow(room);
  let at = writeHeader(scratch, TEXT_OID, values.length, nulls);
  for (const value of values) {
    const bytes = value === null ? -1 : scratch.write(value, at + 4, 'utf8');
    scratch.writeInt32BE(bytes, at);
    at += 4 + Math.max(bytes, 0);
  }
  return Buffer.from(scratch.subarray(0, at));
}

/** @throws {RangeError} when a value is no UUID. */
export const uuids = (values: readonly (string | null)[]): Buffer => encode(UUID, values);
export const byteas = (values: readonly (Uint8Array | null)[]): Buffer => encode(BYTEA, values);
export const smallints = (values: readonly (number | null)[]): Buffer => encode(SMALLINT, values);
export const integers = (values: readonly (number | null)[]): Buffer => encode(INTEGER, values);
export const bigints = (values: readonly (bigint | null)[]): Buffer => encode(BIGINT, values);
/** Unix milliseconds → timestamptz. */
export const timestamps = (values: readonly (number | null)[]): Buffer => encode(TIMESTAMP, values);
