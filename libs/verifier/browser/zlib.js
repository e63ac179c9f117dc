import { Unzlib } from 'fflate';
import { Buffer } from './buffer.js';

// The class that reads status lists also makes them.
export { zlibSync as deflateSync } from 'fflate';
export const constants = { Z_BEST_COMPRESSION: 9 };

/** Deflate makes at most 1,032 bytes of one (RFC 1951): no step unpacks more than 4 MiB before it is counted. */
const STEP_BYTES = 4_096;

/** As `node:zlib` has it. @throws when it is no zlib stream, has not ended, or is longer than `maxOutputLength` */
export function inflateSync(packed, { maxOutputLength }) {
  const parts = [];
  let size = 0;
  let ended = false;
  const stream = new Unzlib((part, last) => {
    size += part.length;
    if (size > maxOutputLength) throw new RangeError('too long');
    parts.push(part);
    ended = last;
  });
  for (let at = 0; at < packed.length; at += STEP_BYTES) {
    stream.push(packed.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= packed.length);
  }
  if (!ended) throw new RangeError('cut short');
  return Buffer.concat(parts);
}
