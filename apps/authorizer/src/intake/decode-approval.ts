import {
  type CompactJws,
  type OpsActionClaims,
  isUuid,
  parseClaims,
  parseStrictJson,
  splitCompact,
} from '@spendgate/codec';
import type { TransportRecord } from '@spendgate/messaging';
import { type Judged, refuse } from './candidate.js';
import { isOfTyp } from './record-typ.js';

export const APPROVAL_TYP = 'ops-action+jwt';

/** What a person may say to an intent that waits, by the action they sign, as the decision then reads it. */
const SAYS = { approve_intent: 'approved', refuse_intent: 'refused' } as const;
type ApprovalAction = keyof typeof SAYS;

/** A person's answer to an intent whose form is in order. Not yet verified. */
export interface DecodedApproval {
  readonly record: TransportRecord;
  /** The token as received. */
  readonly jws: string;
  readonly compact: CompactJws;
  readonly claims: OpsActionClaims;
  readonly action: ApprovalAction;
  readonly says: (typeof SAYS)[ApprovalAction];
  readonly intentId: string;
  /** base64url hash of what was answered. */
  readonly changeHash: string;
}

export function isApproval(record: TransportRecord): boolean {
  return isOfTyp(record, APPROVAL_TYP);
}

/** Reads a record as a person's answer to exactly one intent. Nothing is verified here: the bytes are a stranger's. */
export function decodeApproval(record: TransportRecord): Judged<DecodedApproval> {
  if (record.value === null) return refuse(record, 'malformed', 'value', { unreadable: true });
  const split = splitCompact(record.value, { typ: APPROVAL_TYP });
  if (!split.ok) return refuse(record, split.code, split.field, { unreadable: true });
  const json = parseStrictJson(split.jws.payloadBytes);
  if (!json.ok) return refuse(record, json.code, json.field, { unreadable: true });
  const parsed = parseClaims(APPROVAL_TYP, json.value);
  if (!parsed.ok) return refuse(record, parsed.code === 'unknown_field' ? parsed.code : 'malformed', parsed.field);
  const { claims } = parsed;
  const { action, change_hash: changeHash } = claims;
  if (!isAnswer(action)) return refuse(record, 'malformed', 'action');
  const [target, ...more] = claims.targets;
  const isOne = target?.kind === 'intent' && target.version === null && more.length === 0;
  if (!isOne || !isUuid(target.id)) return refuse(record, 'malformed', 'targets');
  if (claims.causes.length > 0) return refuse(record, 'malformed', 'causes');
  if (claims.request !== null) return refuse(record, 'malformed', 'request');
  if (changeHash === null) return refuse(record, 'malformed', 'change_hash');
  const jws = record.value.toString('latin1'); // compact form is ASCII only
  const value = {
    record,
    jws,
    compact: split.jws,
    claims,
    action,
    says: SAYS[action],
    intentId: target.id,
    changeHash,
  };
  return { ok: true, value };
}

function isAnswer(action: string): action is ApprovalAction {
  return Object.hasOwn(SAYS, action);
}
