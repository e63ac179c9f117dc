import { type MandateClaim, hashJsonText } from '@spendgate/codec';
import {
  type DenialCode,
  type FlowState,
  type GrantFacts,
  type GrantRefusal,
  type Grantor,
  type Mandate,
  checkGrant,
  findForeign,
  isFlowState,
} from '@spendgate/core';
import { type ControlAct, inControlAct } from '../control-lock.js';
import type { Pool } from '../pool.js';
import { loadMandates } from '../registry/load-facts.js';
import type { RegisteredMandate } from '../registry/mandate-row.js';
import { query, statement } from '../statement.js';
import { inTransaction } from '../transaction.js';
import { type MandateDeclaration, type PlannedMandate, planMandates } from './plan-mandates.js';
import { recordMandates } from './record-mandates.js';
import { type GrantPlace, verifyGrantor } from './verify-grantor.js';

/** A version of a mandate on record. */
export interface GrantedVersion {
  readonly mandate: string;
  readonly version: number;
  /** base64url SHA-256 of the mandate claim. */
  readonly hash: string;
  readonly grantor: Grantor;
  /** It was recorded before: nothing was done now. */
  readonly replayed: boolean;
}

export type GrantVerdict =
  | { readonly ok: true; readonly granted: GrantedVersion }
  | ({
      readonly ok: false;
      /** The version on record, where that is what is wrong. */
      readonly version: number | null;
      /** Whether the signature is a registered signer's: anybody else is told the code alone. */
      readonly verified: boolean;
      /** Of `rate_limited`: milliseconds until there is room again. */
      readonly retryAfterMs: number | null;
    } & GrantRefusal);

export interface GrantOptions {
  /** Whether the retry key it was sent with names the token's `jti`. */
  readonly keyAgrees: (jti: string) => boolean;
  /** Asked once for what would be recorded: milliseconds until its signer may sign on, 0 for at once. */
  readonly throttle: (grantor: Grantor) => number;
}

const RECORDED = statement(
  'grant-version-recorded',
  `SELECT mandate_hash AS hash, grantor_kind AS kind, grantor_id AS id FROM mandate_versions
   WHERE mandate_id = $1 AND version = $2`,
);
const FLOWS = statement('grant-flows', 'SELECT flow_id AS id, state FROM flows WHERE flow_id = ANY ($1::uuid[])');
const DELEGATED = statement(
  'grant-delegated',
  `SELECT
     (SELECT count(*)::int FROM mandates WHERE parent_id = $1 AND grantor_kind = 'agent' AND revoked_at IS NULL
        AND valid_until > to_timestamp($3 / 1000.0)) AS "ofParent",
     (SELECT count(*)::int FROM mandates WHERE grantor_id = $2 AND grantor_kind = 'agent' AND revoked_at IS NULL
        AND valid_until > to_timestamp($3 / 1000.0)) AS "byAgent"`,
);
const NOW = statement(
  'grant-now',
  'SELECT issuer AS domain, floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "atMs" FROM domain',
);

/**
 * Records one signed version of a mandate, new or amended, on its signature alone (decision record 0008); what takes two
 * people is refused. Idempotent by what is signed: the same version again changes nothing.
 *
 * Judged twice: first beside everything that goes on, so that what is refused never stops the deciding transactions,
 * then alone under the control lock, where it counts.
 *
 * @param token `mandate+jwt`
 * @throws {DependencyError} the database could not be reached
 */
export async function grantMandate(pool: Pool, token: string, options: GrantOptions): Promise<GrantVerdict> {
  const before = await inTransaction(pool, async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [now] = await query<{ domain: string; atMs: number }>(tx, NOW);
    return now === undefined ? refuse('trust_unverifiable', 'domain') : judge({ tx, ...now }, token, options.keyAgrees);
  });
  if (!('planned' in before)) return before;
  const retryAfterMs = options.throttle(before.planned.grantor);
  if (retryAfterMs > 0) return { ...refuse('rate_limited', 'iss'), retryAfterMs };
  return inControlAct(pool, (act) => grant(act, token));
}

async function grant(act: ControlAct, token: string): Promise<GrantVerdict> {
  const judged = await judge(act, token);
  if (!('planned' in judged)) return judged;
  const { claim, grantor, mandate } = judged.planned;
  const { refused } = await recordMandates(act, [{ claim, token, grantor }]);
  const [refusal] = refused;
  if (refusal !== undefined) return refuse(refusal.code, refusal.field);
  const { id, version, hash } = mandate;
  return { ok: true, granted: { mandate: id, version, hash, grantor, replayed: false } };
}

type Judged = GrantVerdict | { readonly planned: PlannedMandate };

/** Whose mandate it is comes before everything said about it: a stranger learns nothing of its versions. */
async function judge(
  place: GrantPlace,
  token: string,
  keyAgrees: GrantOptions['keyAgrees'] = () => true,
): Promise<Judged> {
  const verified = await verifyGrantor(place, token);
  if (!verified.ok) return { ...refuse(verified.code, verified.field), verified: false };
  if (!keyAgrees(verified.claims.jti)) return refuse('malformed', 'Idempotency-Key');
  const { grantor } = verified;
  const claim = verified.claims.mandate;
  const known = await loadMandates(place.tx, claim.parent === null ? [claim.id] : [claim.id, claim.parent]);
  const standing = known.get(claim.id);
  const above = aboveOf(known, claim.parent);
  if (above === 'absent') return refuse('mandate_unknown', 'parent');
  if (above === 'unknown' || standing === 'unknown') return refuse('trust_unverifiable', 'mandate');
  const foreign = findForeign(grantor, claim.principal, above);
  if (foreign !== null) return refuse('mandate_unknown', foreign);
  if (standing !== undefined && !isUnder(standing, claim)) return refuse('mandate_unknown', 'id');
  return judgeVersion(place, { claim, token, grantor }, known, above);
}

/** A mandate keeps its principal and its parent: under the id of another one nothing can be handed in. */
function isUnder(standing: Mandate, claim: MandateClaim): boolean {
  return standing.principal === claim.principal && standing.parent === claim.parent;
}

async function judgeVersion(
  place: GrantPlace,
  { claim, token, grantor }: Required<MandateDeclaration>,
  known: Awaited<ReturnType<typeof loadMandates>>,
  above: readonly Mandate[],
): Promise<Judged> {
  const standing = known.get(claim.id);
  if (standing === 'unknown') return refuse('trust_unverifiable', 'mandate');
  const stored = standing?.version ?? 0;
  if (claim.version <= stored) return repeat(place, claim, grantor, stored);
  if (claim.version > stored + 1) return refuse('scope_mismatch', 'version', stored);
  const { planned, refused } = planMandates([{ claim, token, grantor }], known);
  const [plan] = planned;
  if (plan === undefined) return refuse(refused[0]?.code ?? 'internal_denied', refused[0]?.field ?? 'mandate');
  const flows = await readFlows(place, above);
  const refusal = checkGrant(grantor, {
    proposed: plan.mandate,
    standing: standing === undefined ? null : { mandate: standing, grantor: standing.grantor },
    above: above.map((mandate) => ({ mandate, flow: flows.get(mandate.id) ?? 'unknown' })),
    delegated: await countDelegated(place, claim.parent, grantor),
    atMs: place.atMs,
  });
  return refusal === null ? { planned: plan } : refuse(refusal.code, refusal.field);
}

/** A version that is on record: the same by the same signer is answered alike, any other has lost its place. */
async function repeat(
  { tx }: GrantPlace,
  claim: MandateClaim,
  grantor: Grantor,
  stored: number,
): Promise<GrantVerdict> {
  type Row = { hash: string; kind: string; id: string };
  const [row] = await query<Row>(tx, RECORDED, [claim.id, claim.version]);
  const hash = hashJsonText(claim);
  const isSame = row?.hash === hash && row.kind === grantor.kind && row.id === grantor.id;
  if (!isSame) return refuse('idempotency_conflict', 'version', stored);
  return { ok: true, granted: { mandate: claim.id, version: claim.version, hash, grantor, replayed: true } };
}

/** Root first, down to the parent; `'unknown'` when a level was edited behind our back. */
function aboveOf(
  known: Awaited<ReturnType<typeof loadMandates>>,
  parentId: string | null,
): readonly Mandate[] | 'absent' | 'unknown' {
  if (parentId === null) return [];
  const parent = known.get(parentId);
  if (parent === undefined) return 'absent';
  if (parent === 'unknown') return 'unknown';
  const levels = parent.path.map((id) => known.get(id));
  const read = levels.filter((level): level is RegisteredMandate => typeof level === 'object');
  return read.length === levels.length ? read : 'unknown';
}

async function readFlows({ tx }: GrantPlace, above: readonly Mandate[]): Promise<Map<string, FlowState>> {
  const rows = await query<{ id: string; state: string }>(tx, FLOWS, [above.map((mandate) => mandate.id)]);
  return new Map(rows.flatMap(({ id, state }) => (isFlowState(state) ? [[id, state] as const] : [])));
}

async function countDelegated(
  { tx, atMs }: GrantPlace,
  parent: string | null,
  { kind, id }: Grantor,
): Promise<GrantFacts['delegated']> {
  if (kind === 'principal') return { ofParent: 0, byAgent: 0 }; // bounded by what it may sign for, not in number
  const [row] = await query<{ ofParent: number; byAgent: number }>(tx, DELEGATED, [parent, id, atMs]);
  return row ?? { ofParent: Infinity, byAgent: Infinity };
}

function refuse(code: DenialCode, field: string, version: number | null = null): Extract<GrantVerdict, { ok: false }> {
  return { ok: false, code, field, version, verified: true, retryAfterMs: null };
}
