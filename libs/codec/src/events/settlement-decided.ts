import { z } from 'zod';
import { denialCode, identifier, partyId, requestId, settlementAction, sha256Hash, uuid } from '../tokens/fields.js';
import { timeMs, version1 } from './fields.js';

const settlement = {
  v: version1,
  settlement_id: uuid,
  flow_id: uuid.nullable().describe('null: the request named no artifact of ours'),
  artifact_id: uuid,
  action: settlementAction,
  action_id: requestId.describe('capture_id, void_id or refund_id'),
  presenter: partyId,
  state: identifier.describe('capturing, captured, returned, unknown, released, refunding, refunded, denied'),
  leaf_hash: sha256Hash,
  judged_at_ms: timeMs,
};

/** `settlement-decisions.v1`: what the gate decided on a request, and later what became of the money. */
export const settlementDecidedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...settlement,
    kind: z.literal('decision').describe('a request was granted or denied'),
    request_jti: requestId,
    request_hash: sha256Hash,
    outcome: z.enum(['authorized', 'denied']),
    code: denialCode.nullable().describe('null when authorized'),
    field: z.string().max(256).nullable(),
    decision_hash: sha256Hash,
  }),
  z.strictObject({
    ...settlement,
    kind: z.literal('outcome').describe('the rail or the settlement service reported, or nobody did in time'),
    reporter: partyId.nullable().describe('null: the time for an outcome ran out'),
    outcome: z.enum(['completed', 'failed', 'unknown', 'reversed', 'charged_back']),
    applied: z.boolean().describe('false: the report changed nothing and is only recorded'),
  }),
]);
export type SettlementDecided = z.infer<typeof settlementDecidedSchema>;
