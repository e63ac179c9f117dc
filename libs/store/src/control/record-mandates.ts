import type { Mandate } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { loadMandates } from '../registry/load-facts.js';
import { execute, query, statement } from '../statement.js';
import { type RecordedMandate, openFlows, rebaseFlows } from './open-flows.js';
import { type MandateDeclaration, type MandatePlan, type PlannedMandate, planMandates } from './plan-mandates.js';

const UPSERT = statement(
  'mandates-upsert',
  `INSERT INTO mandates (mandate_id, version, parent_id, root_id, path, depth, agent_id, principal_id, currency,
     total_limit, claims, token, mandate_hash, parent_hash, superseded_hashes, leaf_hash, grantor_kind, grantor_id,
     valid_until)
   SELECT m.mandate_id, m.version, m.parent_id, m.root_id, string_to_array(m.path, ' ')::uuid[], m.depth, m.agent_id,
     m.principal_id, m.currency, m.total_limit, m.claims, m.token, m.mandate_hash, m.parent_hash,
     string_to_array(m.superseded, ' '), m.leaf_hash, m.grantor_kind, m.grantor_id, to_timestamp(m.valid_until)
   FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[],
     $9::text[], $10::numeric[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bytea[],
     $17::text[], $18::text[], $19::float8[])
     AS m (mandate_id, version, parent_id, root_id, path, depth, agent_id, principal_id, currency, total_limit, claims,
       token, mandate_hash, parent_hash, superseded, leaf_hash, grantor_kind, grantor_id, valid_until)
   ON CONFLICT (mandate_id) DO UPDATE SET version = excluded.version, agent_id = excluded.agent_id,
     total_limit = excluded.total_limit, claims = excluded.claims, token = excluded.token,
     mandate_hash = excluded.mandate_hash, parent_hash = excluded.parent_hash,
     superseded_hashes = excluded.superseded_hashes, leaf_hash = excluded.leaf_hash,
     grantor_kind = excluded.grantor_kind, grantor_id = excluded.grantor_id, valid_until = excluded.valid_until`,
);
const VERSIONS = statement(
  'mandate-versions-insert',
  `INSERT INTO mandate_versions (mandate_id, version, claims, token, mandate_hash, grantor_kind, grantor_id, recorded_at)
   SELECT v.*, to_timestamp($8 / 1000.0)
   FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS v`,
);
const AGENTS = statement(
  'mandate-parties-known',
  `SELECT kind, party_id FROM unnest($1::text[], $2::text[]) AS w (kind, party_id) JOIN parties p USING (kind, party_id)
   WHERE p.state = 'active'`,
);

/**
 * Mandates planned and written together. With more of them the transaction would stand idle for so long, while they are
 * planned, that the server takes its process for one that stopped.
 */
const AT_ONCE_MAX = 1_000;

/**
 * Records mandates and opens their flows: any number, of one or several trees, in a constant number of statements for
 * every 1,000, parents first.
 *
 * Equal versions are left alone. A refused mandate is not written, nor are the ones under it; the caller decides
 * whether the rest stands (throwing rolls the act back).
 */
export async function recordMandates(act: ControlAct, declared: readonly MandateDeclaration[]): Promise<MandatePlan> {
  const sorted = [...declared].sort((a, b) => a.claim.depth - b.claim.depth);
  const plans: MandatePlan[] = [];
  const amended: RecordedMandate[] = [];
  for (let from = 0; from < sorted.length; from += AT_ONCE_MAX) {
    const { plan, leaves } = await recordSome(act, sorted.slice(from, from + AT_ONCE_MAX));
    plans.push(plan);
    amended.push(...pick(plan.planned, leaves, false));
  }
  await rebaseFlows(act, amended); // it locks flows, which a transaction does once
  return {
    planned: plans.flatMap(({ planned }) => planned),
    unchanged: plans.flatMap(({ unchanged }) => unchanged),
    refused: plans.flatMap(({ refused }) => refused),
  };
}

type Recorded = { readonly plan: MandatePlan; readonly leaves: ReadonlyMap<string, Buffer> };

async function recordSome(act: ControlAct, declared: readonly MandateDeclaration[]): Promise<Recorded> {
  const ids = declared.flatMap(({ claim }) => (claim.parent === null ? [claim.id] : [claim.id, claim.parent]));
  const known = await loadMandates(act.tx, [...new Set(ids)]);
  const plan = await refuseUnknownParties(act, planMandates(declared, known));
  if (plan.planned.length === 0) return { plan, leaves: new Map() };
  const leaves = recordLeaves(act, plan.planned, known);
  await write(act, plan.planned, leaves);
  await openFlows(act, pick(plan.planned, leaves, true));
  return { plan, leaves };
}

/** A mandate names its principal and agent; one that is not registered, or disabled, could never spend, which is found out now. */
async function refuseUnknownParties(act: ControlAct, plan: MandatePlan): Promise<MandatePlan> {
  const wanted = plan.planned.flatMap(({ mandate }) => [
    { kind: 'principal', id: mandate.principal },
    ...(mandate.agent === null ? [] : [{ kind: 'agent', id: mandate.agent }]),
  ]);
  const values = [wanted.map((each) => each.kind), wanted.map((each) => each.id)];
  const rows = await query<{ kind: string; party_id: string }>(act.tx, AGENTS, values);
  const known = new Set(rows.map((row) => `${row.kind}/${row.party_id}`));
  const lost = new Map<string, 'principal' | 'agent' | 'parent'>();
  for (const { mandate } of plan.planned) {
    if (!known.has(`principal/${mandate.principal}`)) lost.set(mandate.id, 'principal');
    else if (mandate.agent !== null && !known.has(`agent/${mandate.agent}`)) lost.set(mandate.id, 'agent');
    else if (mandate.parent !== null && lost.has(mandate.parent)) lost.set(mandate.id, 'parent');
  }
  const code = { principal: 'mandate_unknown', agent: 'agent_unknown', parent: 'mandate_unknown' } as const;
  const refused = [...lost].map(([id, field]) => ({ id, code: code[field], field }));
  const planned = plan.planned.filter(({ mandate }) => !lost.has(mandate.id));
  return { ...plan, planned, refused: [...plan.refused, ...refused] };
}

/** One leaf per version: its causes are the leaf of the parent it was cut from, and that of the version before. */
function recordLeaves(
  act: ControlAct,
  planned: readonly PlannedMandate[],
  known: Awaited<ReturnType<typeof loadMandates>>,
): Map<string, Buffer> {
  const leaves = new Map<string, Buffer>();
  const leafOf = (id: string | null): Buffer[] => {
    const standing = id === null ? undefined : known.get(id);
    const leaf = leaves.get(id ?? '') ?? (typeof standing === 'object' ? standing.leafHash : null);
    return leaf === null ? [] : [leaf];
  };
  for (const { mandate, claim, grantor, token, isNew } of planned) {
    const payload = { mandate: claim, hash: mandate.hash, parent_hash: mandate.parentHash, grantor, token };
    const name = isNew ? 'mandate_registered' : 'mandate_amended';
    const event = { name, subject: { kind: 'mandate', id: mandate.id } };
    const causes = [...leafOf(mandate.parent), ...(isNew ? [] : leafOf(mandate.id))];
    leaves.set(mandate.id, act.record({ type: 'mandate_registered', payload, causes, event }));
  }
  return leaves;
}

async function write(
  act: ControlAct,
  planned: readonly PlannedMandate[],
  leaves: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const of = <T>(read: (mandate: Mandate) => T): T[] => planned.map(({ mandate }) => read(mandate));
  const ids = of((mandate) => mandate.id);
  const versions = of((mandate) => mandate.version);
  const claims = planned.map((each) => each.claims);
  const tokens = planned.map((each) => each.token);
  const hashes = of((mandate) => mandate.hash);
  const grantors = [planned.map(({ grantor }) => grantor.kind), planned.map(({ grantor }) => grantor.id)];
  await execute(act.tx, UPSERT, [
    ids,
    versions,
    of((mandate) => mandate.parent),
    of((mandate) => mandate.root),
    of((mandate) => mandate.path.join(' ')),
    of((mandate) => mandate.depth),
    of((mandate) => mandate.agent),
    of((mandate) => mandate.principal),
    of((mandate) => mandate.currency),
    of((mandate) => mandate.totalLimit.toFixed()),
    claims,
    tokens,
    hashes,
    of((mandate) => mandate.parentHash),
    of((mandate) => mandate.supersededHashes.join(' ')),
    of((mandate) => leaves.get(mandate.id) ?? null),
    ...grantors,
    of((mandate) => mandate.validUntilMs / 1000),
  ]);
  await execute(act.tx, VERSIONS, [ids, versions, claims, tokens, hashes, ...grantors, act.atMs]);
}

function pick(
  planned: readonly PlannedMandate[],
  leaves: ReadonlyMap<string, Buffer>,
  isNew: boolean,
): RecordedMandate[] {
  return planned
    .filter((each) => each.isNew === isNew)
    .map(({ mandate }) => ({ mandate, cause: leaves.get(mandate.id) ?? null }));
}
