import { canonicalize, sha256Text } from '@spendgate/codec';
import { type DeclaredSpending, type DriftState, type Mandate, type SpendingProfile } from '@spendgate/core';
import { InvariantError, declareProfile, freezeDrift, parseProfile, startDrift } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { loadMandates } from '../registry/load-facts.js';
import { query, statement } from '../statement.js';

/** What a flow is measured against, as it is signed. */
export interface Baseline {
  /** RFC 8785 form. */
  readonly text: string;
  readonly hash: string;
  /** Of the spending profile in it; `null`: it holds none, and spending is not watched. */
  readonly profileHash: string | null;
  /** The evidence it begins with, RFC 8785 form; `null` with `profileHash`. */
  readonly drift: string | null;
}

const SET_HASHES = statement(
  'baseline-policies',
  'SELECT policy_id, set_hash FROM policies WHERE active AND policy_id = ANY ($1::text[])',
);
const AGENT_KEYS = statement(
  'baseline-keys',
  `SELECT party_id, array_agg(kid ORDER BY kid) AS kids FROM party_keys
   WHERE kind = 'agent' AND party_id = ANY ($1::text[]) AND removed_at IS NULL GROUP BY party_id`,
);
const STANDING = statement(
  'baseline-standing',
  'SELECT flow_id, baseline FROM flows WHERE flow_id = ANY ($1::uuid[]) AND profile_hash IS NOT NULL',
);

/**
 * What flows are measured against: policy, agent keys, reference values, spending profile, domain epoch, all as of now.
 * The profile is what the mandate declares, or the nearest above it that does; one that was learned stays until another
 * is declared or learned.
 */
export async function makeBaselines(
  act: Pick<ControlAct, 'tx' | 'epoch'>,
  recorded: readonly { readonly mandate: Mandate }[],
  learned: ReadonlyMap<string, SpendingProfile> = new Map(),
): Promise<Baseline[]> {
  const policies = recorded.map(({ mandate }) => mandate.policyId);
  const agents = recorded.flatMap(({ mandate }) => (mandate.agent === null ? [] : [mandate.agent]));
  type Policy = { policy_id: string; set_hash: string };
  const hashes = new Map(
    (await query<Policy>(act.tx, SET_HASHES, [[...new Set(policies)]])).map((row) => [row.policy_id, row.set_hash]),
  );
  type Keys = { party_id: string; kids: string[] };
  const keys = new Map(
    (await query<Keys>(act.tx, AGENT_KEYS, [[...new Set(agents)]])).map((row) => [row.party_id, row.kids]),
  );
  const declared = await declaredFor(act, recorded);
  const standing = await standingFor(act, declared);
  return recorded.map(({ mandate }) => {
    const own = standing.get(mandate.id) ?? spendingOf(declared.get(mandate.id) ?? null);
    const spending = withLearned(own, learned.get(mandate.id));
    return toBaseline({
      mandate_hash: mandate.hash,
      policy: { id: mandate.policyId, set_hash: hashes.get(mandate.policyId) ?? null },
      agent_keys: mandate.agent === null ? [] : (keys.get(mandate.agent) ?? []),
      environment: mandate.environment === null ? null : { measurements: mandate.environment.measurements },
      spending,
      domain_epoch: Number(act.epoch),
    });
  });
}

/** A baseline with all that is kept of it beside its text. */
export function toBaseline(members: Readonly<Record<string, unknown>>): Baseline {
  const text = canonicalize(members);
  const profile = profileIn(text);
  if (profile === 'unknown') throw new InvariantError('ERR_PROFILE_INVALID', 'a baseline would hold no profile');
  const profileHash = profile === null ? null : hashProfile(profile);
  const drift = profile === null || profileHash === null ? null : startText(profile, profileHash);
  return { text, hash: sha256Text(text), profileHash, drift };
}

/** The spending profile in a baseline; `'unknown'`: what is there is none. */
export function profileIn(baseline: string): SpendingProfile | 'unknown' | null {
  try {
    const read = JSON.parse(baseline) as { spending?: { profile: unknown } | null } | null; // as: judged below
    const spending = read?.spending ?? null;
    return spending === null ? null : parseProfile(spending.profile);
  } catch (error) {
    if (error instanceof SyntaxError) return 'unknown'; // somebody edited the row: its flow is unverifiable, not the batch
    throw error;
  }
}

export function hashProfile(profile: SpendingProfile): string {
  return sha256Text(canonicalize(profile));
}

export function driftText(state: DriftState): string {
  return canonicalize(freezeDrift(state));
}

function startText(profile: SpendingProfile, hash: string): string {
  return driftText(startDrift(profile, hash));
}

/** As it stands in a baseline: what was declared by its hash, what is ranked against by value. */
interface Spending {
  readonly declared_hash: string;
  readonly profile_hash: string;
  readonly profile: SpendingProfile;
}

function spendingOf(declared: DeclaredSpending | null): Spending | null {
  if (declared === null) return null;
  const profile = declareProfile(declared);
  return { declared_hash: hashOf(declared), profile_hash: hashProfile(profile), profile };
}

/** What was declared stays named: another declaration is what ends what was learned. */
function withLearned(own: Spending | null, profile: SpendingProfile | undefined): Spending | null {
  if (own === null || profile === undefined) return own;
  return { declared_hash: own.declared_hash, profile_hash: hashProfile(profile), profile };
}

function hashOf(declared: DeclaredSpending): string {
  return sha256Text(canonicalize(declared));
}

/** By mandate: its own declaration, or that of the nearest level above. */
async function declaredFor(
  { tx }: Pick<ControlAct, 'tx'>,
  recorded: readonly { readonly mandate: Mandate }[],
): Promise<Map<string, DeclaredSpending>> {
  const known = new Map(recorded.map(({ mandate }) => [mandate.id, mandate]));
  const above = recorded.flatMap(({ mandate }) => (mandate.spending === null ? mandate.path : []));
  const missing = [...new Set(above)].filter((id) => !known.has(id));
  const loaded = await loadMandates(tx, missing);
  const found = new Map<string, DeclaredSpending>();
  for (const { mandate } of recorded) {
    for (const id of mandate.path.toReversed()) {
      const level = known.get(id) ?? loaded.get(id);
      if (level === undefined || level === 'unknown' || level.spending === null) continue;
      found.set(mandate.id, level.spending);
      break;
    }
  }
  return found;
}

/** Profiles that stay: of flows whose declaration is the one their baseline was made from. */
async function standingFor(
  { tx }: Pick<ControlAct, 'tx'>,
  declared: ReadonlyMap<string, DeclaredSpending>,
): Promise<Map<string, Spending>> {
  if (declared.size === 0) return new Map();
  const rows = await query<{ flow_id: string; baseline: string }>(tx, STANDING, [[...declared.keys()]]);
  return new Map(
    rows.flatMap(({ flow_id: id, baseline }) => {
      const { spending } = JSON.parse(baseline) as { spending?: Spending | null }; // as: our own column
      const own = declared.get(id);
      const isSame = own !== undefined && spending?.declared_hash === hashOf(own);
      return isSame ? [[id, spending] as const] : [];
    }),
  );
}
