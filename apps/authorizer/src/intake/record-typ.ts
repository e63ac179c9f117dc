import { splitCompact } from '@spendgate/codec';
import type { TransportRecord } from '@spendgate/messaging';

const HEADER_BYTES_MAX = 512;

/**
 * Whether a record of `payment-intents.v1` is of another type than an intent. Looked at for every intent, so only the
 * header is read until it names the type; whatever is not exactly this type is read as an intent, and refused as one.
 */
export function isOfTyp({ value }: TransportRecord, typ: string): boolean {
  const end = value?.indexOf('.') ?? -1;
  if (value === null || end < 1 || end > HEADER_BYTES_MAX) return false;
  const header = Buffer.from(value.toString('latin1', 0, end), 'base64url');
  return header.includes(`"${typ}"`) && splitCompact(value, { typ }).ok;
}
