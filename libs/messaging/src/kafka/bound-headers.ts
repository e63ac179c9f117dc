import { createRequire } from 'node:module';

/** Headers of one record that are kept; ours carry seven. */
export const HEADERS_MAX = 64;

/** kafkajs's reader of the wire format, as far as it is changed here. */
interface Decoder {
  readVarInt(): number;
}
type ReadArray = (this: Decoder, readOne: (decoder: Decoder) => unknown) => unknown[];

/**
 * kafkajs 2.2.4 gathers a record's headers in time that grows with the square of their number: one record of 1 MB made of
 * headers alone would hold a consumer for minutes, and the next owner after it. All are read, to find the next record,
 * but only the first {@link HEADERS_MAX} are handed on. Nothing else in kafkajs reads such arrays.
 */
export function boundHeaders(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/protocol/decoder') as {
    prototype: { readVarIntArray?: ReadArray };
  }; // CommonJS without types
  if (prototype.readVarIntArray === undefined) {
    throw new Error('this is not kafkajs 2.2.4: bound-headers.ts must follow the change');
  }
  prototype.readVarIntArray = function (readOne) {
    const kept: unknown[] = [];
    for (let left = this.readVarInt(); left > 0; left -= 1) {
      const one = readOne(this);
      if (kept.length < HEADERS_MAX) kept.push(one);
    }
    return kept;
  };
}
