/** A leaf is prefixed by its length in two bytes (C2SP tlog-tiles §Log Entries). */
const LENGTH_BYTES = 2;
const ENTRY_BYTES_MAX = 65_535;

/** The leaves of one tile as C2SP tlog-tiles serves them. @returns `undefined` when one is too long for that form */
export function formatEntries(leaves: readonly Uint8Array[]): Buffer | undefined {
  if (leaves.some((leaf) => leaf.length > ENTRY_BYTES_MAX)) return undefined;
  const parts = leaves.flatMap((leaf) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(leaf.length);
    return [length, leaf];
  });
  return Buffer.concat(parts);
}

/** The other way round. Total. @returns `undefined` unless these are exactly `width` leaves and nothing after them */
export function parseEntries(bytes: Uint8Array, width: number): Uint8Array[] | undefined {
  const leaves: Uint8Array[] = [];
  let at = 0;
  while (leaves.length < width) {
    const [high, low] = bytes.subarray(at, at + LENGTH_BYTES);
    if (high === undefined || low === undefined) return undefined;
    const start = at + LENGTH_BYTES;
    at = start + high * 256 + low;
    if (at > bytes.length) return undefined;
    leaves.push(bytes.subarray(start, at));
  }
  return at === bytes.length ? leaves : undefined;
}
