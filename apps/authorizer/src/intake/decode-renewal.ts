import {
  type ArtifactRenewalClaims,
  type CompactJws,
  parseClaims,
  parseStrictJson,
  splitCompact,
} from '@spendgate/codec';
import type { TransportRecord } from '@spendgate/messaging';
import { type Judged, refuse } from './candidate.js';
import { isOfTyp } from './record-typ.js';

const RENEWAL_TYP = 'artifact-renewal+jwt';

/** A renewal whose form is in order. Not yet verified. */
export interface DecodedRenewal {
  readonly record: TransportRecord;
  /** The token as received. */
  readonly jws: string;
  readonly compact: CompactJws;
  readonly claims: ArtifactRenewalClaims;
}

export function isRenewal(record: TransportRecord): boolean {
  return isOfTyp(record, RENEWAL_TYP);
}

/** Reads a record as a renewal. Nothing is verified here: the bytes are a stranger's. */
export function decodeRenewal(record: TransportRecord): Judged<DecodedRenewal> {
  if (record.value === null) return refuse(record, 'malformed', 'value', { unreadable: true });
  const split = splitCompact(record.value, { typ: RENEWAL_TYP });
  if (!split.ok) return refuse(record, split.code, split.field, { unreadable: true });
  const json = parseStrictJson(split.jws.payloadBytes);
  if (!json.ok) return refuse(record, json.code, json.field, { unreadable: true });
  const parsed = parseClaims(RENEWAL_TYP, json.value);
  if (!parsed.ok) return refuse(record, parsed.code === 'unknown_field' ? parsed.code : 'malformed', parsed.field);
  const jws = record.value.toString('latin1'); // compact form is ASCII only
  return { ok: true, value: { record, jws, compact: split.jws, claims: parsed.claims } };
}
