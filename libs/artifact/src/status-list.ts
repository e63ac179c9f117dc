import { constants, deflateSync, inflateSync } from 'node:zlib';

/** Status values of the Token Status List, §7.1. Suspended is what a quarantined flow's artifacts are. */
export const STATUS = { valid: 0, revoked: 1, suspended: 2 } as const;
export type StatusName = keyof typeof STATUS;

const BITS = 2;
const PER_BYTE = 8 / BITS;
/** Entries of one list: 4 MiB unpacked. Also the bound on what a stranger's list may unpack to. */
export const STATUS_ENTRIES_MAX = 2 ** 24;

/** The `status_list` member of a `statuslist+jwt` (Token Status List §4). */
export interface StatusListClaim {
  readonly bits: 2;
  /** base64url of the zlib-compressed bytes. */
  readonly lst: string;
}

/** Two bits for each artifact of a segment, the first entry in the lowest bits of the first byte (§4.1). */
export class StatusList {
  private constructor(private readonly bytes: Uint8Array) {}

  /** All valid. @throws {RangeError} more entries than one list may have */
  static ofSize(entries: number): StatusList {
    if (!Number.isInteger(entries) || entries < 0 || entries > STATUS_ENTRIES_MAX) {
      throw new RangeError(`a status list has 0 to ${STATUS_ENTRIES_MAX} entries`);
    }
    return new StatusList(new Uint8Array(Math.ceil(entries / PER_BYTE)));
  }

  /** @returns `undefined` when the claim is not a two-bit list we can unpack */
  static decode(claim: unknown): StatusList | undefined {
    if (typeof claim !== 'object' || claim === null || !('bits' in claim) || !('lst' in claim)) return undefined;
    if (claim.bits !== BITS || typeof claim.lst !== 'string') return undefined;
    const packed = Buffer.from(claim.lst, 'base64url');
    if (packed.toString('base64url') !== claim.lst) return undefined;
    try {
      return new StatusList(inflateSync(packed, { maxOutputLength: STATUS_ENTRIES_MAX / PER_BYTE }));
    } catch {
      return undefined;
    }
  }

  /** Entries there is room for, a multiple of four. */
  get size(): number {
    return this.bytes.length * PER_BYTE;
  }

  /** @returns `undefined` outside the list and for the value 3: nothing we would take for valid */
  get(index: number): StatusName | undefined {
    const byte = Number.isInteger(index) && index >= 0 ? this.bytes[Math.floor(index / PER_BYTE)] : undefined;
    if (byte === undefined) return undefined;
    const value = (byte >> ((index % PER_BYTE) * BITS)) & 0b11;
    return NAMES[value];
  }

  /** @throws {RangeError} outside the list */
  set(index: number, status: StatusName): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) throw new RangeError(`no entry ${index}`);
    const at = Math.floor(index / PER_BYTE);
    const shift = (index % PER_BYTE) * BITS;
    this.bytes[at] = ((this.bytes[at] ?? 0) & ~(0b11 << shift)) | (STATUS[status] << shift);
  }

  encode(): StatusListClaim {
    const packed = deflateSync(this.bytes, { level: constants.Z_BEST_COMPRESSION });
    return { bits: BITS, lst: packed.toString('base64url') };
  }
}

const NAMES: readonly (StatusName | undefined)[] = ['valid', 'revoked', 'suspended', undefined];
