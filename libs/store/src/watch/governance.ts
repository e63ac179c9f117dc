import { canonicalize, leafHashOf, opensCommitment, parseLeaf, sha256Text } from '@spendgate/codec';
import type { WatchVerdict } from '@spendgate/core';
import { CONTROL_LANE } from '../control-lock.js';
import { type Queryable, query, statement } from '../statement.js';

// The predicates are those of the index `leaves_of_governance`, so only what governs is read, however long the lane.
const LEAVES = statement(
  'watch-governance-leaves',
  `SELECT leaf_hash AS "leafHash", leaf, payload, salt FROM leaves
   WHERE lane_id = (SELECT lane_id FROM lanes WHERE name = '${CONTROL_LANE}')
     AND (payload LIKE '{"places":{%' OR payload LIKE '{"act":"domain\\_key\\_%')
   ORDER BY lane_id, seq`,
);
const POLICIES = statement(
  'watch-governance-policies',
  `SELECT policy_id AS id, version, set_hash AS "setHash", policy_text AS "policyText", schema_text AS "schemaText"
   FROM policies WHERE active`,
);
const KEYS = statement(
  'watch-governance-keys',
  'SELECT kid, purpose, jwk, retired_at IS NOT NULL AS retired FROM domain_keys',
);

interface LeafRow {
  leafHash: Buffer;
  leaf: string;
  payload: string;
  salt: Buffer | null;
}

interface PolicyRow {
  id: string;
  version: number;
  setHash: string;
  policyText: string;
  schemaText: string;
}

interface KeyRow {
  kid: string;
  purpose: string;
  jwk: unknown;
  retired: boolean;
}

/** What the rows in force say against the signed acts that led to them. */
export interface GovernanceFound {
  /** Verdict by policy id, of every policy that is active or should be. */
  readonly policies: ReadonlyMap<string, WatchVerdict>;
  readonly keys: WatchVerdict;
}

type Said = Readonly<Record<string, unknown>>;

/**
 * Whether each active policy is the one last activated by a recorded act, to the byte of its text, and the domain's own
 * keys are those it recorded: three statements, over what governs and nothing else.
 */
export async function readGovernance(db: Queryable): Promise<GovernanceFound> {
  const leaves = await query<LeafRow & Record<string, unknown>>(db, LEAVES);
  const policies = await query<PolicyRow & Record<string, unknown>>(db, POLICIES);
  const keys = await query<KeyRow & Record<string, unknown>>(db, KEYS);
  const said = leaves.map(saidBy);
  if (said.includes(null)) {
    // A leaf that does not open explains nothing, and which policy or key it was about nobody can say.
    return { policies: new Map(policies.map(({ id }) => [id, 'broken'])), keys: 'broken' };
  }
  const whole = said.filter((each) => each !== null);
  return { policies: judgePolicies(policies, whole), keys: judgeKeys(keys, whole) };
}

function saidBy({ leaf, leafHash, payload, salt }: LeafRow): Said | null {
  const parsed = parseLeaf(Buffer.from(leaf));
  if (!parsed.ok || salt === null || !leafHashOf(leaf).equals(leafHash)) return null;
  if (!opensCommitment(parsed.leaf, salt, payload)) return null;
  return JSON.parse(payload) as Said; // as: what the leaf commits to
}

function judgePolicies(rows: readonly PolicyRow[], said: readonly Said[]): Map<string, WatchVerdict> {
  const activated = new Map(said.flatMap((each) => (typeof each.policy === 'string' ? [[each.policy, each]] : [])));
  const active = new Map(rows.map((row) => [row.id, row]));
  const ids = new Set([...activated.keys(), ...active.keys()]);
  return new Map([...ids].map((id) => [id, isActivated(active.get(id), activated.get(id)) ? 'verified' : 'broken']));
}

function isActivated(row: PolicyRow | undefined, said: Said | undefined): boolean {
  if (row === undefined || said === undefined) return false;
  const { version, setHash, policyText, schemaText } = row;
  return (
    said.version === version &&
    said.set_hash === setHash &&
    said.policy_hash === sha256Text(policyText) &&
    said.schema_hash === sha256Text(schemaText)
  );
}

function judgeKeys(rows: readonly KeyRow[], said: readonly Said[]): WatchVerdict {
  const keys = new Map<string, { jwk: string; purpose: unknown; retired: boolean }>();
  for (const { act, kid, jwk, purpose } of said) {
    if (typeof kid !== 'string') continue;
    if (act === 'domain_key_added') keys.set(kid, { jwk: canonicalize(jwk), purpose, retired: false });
    const known = keys.get(kid);
    if (act === 'domain_key_retired' && known !== undefined) known.retired = true;
  }
  const explained = rows.every(({ kid, purpose, jwk, retired }) => {
    const known = keys.get(kid);
    return known?.purpose === purpose && known.retired === retired && known.jwk === canonicalize(jwk);
  });
  return explained && rows.length === keys.size ? 'verified' : 'broken';
}
