import type { WatchVerdict } from '@spendgate/core';
import { type ControlAct, inControlAct } from '../control-lock.js';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded, inSnapshot, inTransaction } from '../transaction.js';
import { type GovernanceFound, readGovernance } from './governance.js';

/** What is verified once for the whole domain. The watch itself is one: that somebody looks. */
export const DOMAIN_LIMBS = ['policy', 'keys', 'audit', 'watch'] as const;
export type DomainLimb = (typeof DOMAIN_LIMBS)[number];
export type DomainVerdicts = Readonly<Record<DomainLimb, WatchVerdict>>;

/** Marks that never go back: what was seen at the last look. */
interface Marks {
  readonly controlEpoch: bigint;
  readonly treeSize: bigint;
  readonly signedSize: bigint;
}

/** The watch as the active detector left it. */
export interface HeldWatch extends Marks {
  readonly limbs: DomainVerdicts;
  /** The last heartbeat, Unix ms. */
  readonly verifiedAtMs: number;
  readonly dueAtMs: number;
}

/** The domain as it was at one instant. */
export interface DomainLook extends Marks {
  readonly atMs: number;
  readonly governance: GovernanceFound;
}

/** How often it is looked at, ms; the detector's settings. */
export interface WatchBounds {
  readonly domainMs: number;
  readonly flowMs: number;
}

const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const CLAIM = statement(
  'watch-claim',
  `UPDATE domain_watch SET owner = $1, leased_until = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
   WHERE owner = $1 OR leased_until < clock_timestamp()
   RETURNING limbs, ${MS('verified_at')} AS "verifiedAtMs", ${MS('due_at')} AS "dueAtMs",
     control_epoch AS "controlEpoch", tree_size AS "treeSize", signed_size AS "signedSize"`,
);
const EXISTS = statement('watch-exists', 'SELECT EXISTS (SELECT FROM domain_watch) AS armed');
const LOOK = statement(
  'watch-look',
  `SELECT ${MS('clock_timestamp()')} AS "atMs", d.control_epoch AS "controlEpoch", s.tree_size AS "treeSize",
     coalesce((SELECT max(tree_size) FROM checkpoints), 0)::bigint AS "signedSize"
   FROM domain d, log_state s`,
);
const BEAT = statement(
  'watch-beat',
  `UPDATE domain_watch SET verified_at = to_timestamp($2::float8 / 1000),
     due_at = to_timestamp(($2::float8 + $3::float8) / 1000), flow_watch_ms = $4::integer, governance = $5,
     limbs = $6::jsonb, control_epoch = greatest(control_epoch, $7::bigint), tree_size = greatest(tree_size, $8::bigint),
     signed_size = greatest(signed_size, $9::bigint)
   WHERE owner = $1`,
);
const RELEASE = statement('watch-release', 'UPDATE domain_watch SET leased_until = clock_timestamp() WHERE owner = $1');
const ARM = statement(
  'watch-arm',
  `INSERT INTO domain_watch (owner, leased_until, verified_at, due_at, flow_watch_ms, governance, limbs, control_epoch,
     tree_size, signed_size)
   VALUES ($1, clock_timestamp(), to_timestamp($2::float8 / 1000), to_timestamp($2::float8 / 1000), $3, 'unknown',
     $4::jsonb, 0, 0, 0)
   ON CONFLICT DO NOTHING`,
);
// Due at once, and overdue only when nobody comes.
const LIST_LIVE = statement(
  'watch-list-live',
  `INSERT INTO flow_watches (flow_id, verified_at)
   SELECT DISTINCT flow_id, to_timestamp($1::float8 / 1000) FROM holds WHERE NOT ended ON CONFLICT DO NOTHING`,
);

/**
 * Begins the watch, once in the life of a domain: every flow with live artifacts is put on the list under the exclusive
 * control lock, so none is issued beside it. From here on decisions ask for the watch, and deny where it is overdue.
 */
export async function armWatch(pool: Pool, owner: string, bounds: WatchBounds): Promise<void> {
  const [row] = await guarded(() => query<{ armed: boolean }>(pool, EXISTS));
  if (row?.armed === true) return;
  await inControlAct(pool, async (act) => {
    const limbs = Object.fromEntries(DOMAIN_LIMBS.map((limb) => [limb, 'unknown']));
    const values = [owner, act.atMs, bounds.flowMs, JSON.stringify(limbs)];
    if ((await execute(act.tx, ARM, values)) === 0) return;
    await execute(act.tx, LIST_LIVE, [act.atMs - bounds.flowMs / 2]);
    recordVerdict(act, 'watch', 'unknown', { armed: 1 });
  });
}

/**
 * Makes this detector the active one, or finds that it is.
 *
 * @returns what was seen last; `undefined`: another one is active
 */
export async function claimWatch(pool: Pool, owner: string, ttlMs: number): Promise<HeldWatch | undefined> {
  const [row] = await inTransaction(pool, (tx) =>
    query<HeldWatch & Record<string, unknown>>(tx, CLAIM, [owner, ttlMs]),
  );
  return row;
}

/** Gives the watch back at once, at shutdown. */
export async function releaseWatch(pool: Pool, owner: string): Promise<void> {
  await execute(pool, RELEASE, [owner]);
}

/** Looks at the domain: four statements of one snapshot. `undefined`: there is no domain. */
export function lookAtDomain(pool: Pool): Promise<DomainLook | undefined> {
  return inSnapshot(pool, async (tx) => {
    const [row] = await query<Omit<DomainLook, 'governance'> & Record<string, unknown>>(tx, LOOK);
    return row === undefined ? undefined : { ...row, governance: await readGovernance(tx) };
  });
}

/** Verdicts of a look, against what was seen before it. */
export function judgeDomain(look: DomainLook, held: Marks): DomainVerdicts {
  const policies = [...look.governance.policies.values()];
  const wentBack = look.treeSize < held.treeSize || look.signedSize < held.signedSize;
  return {
    policy:
      policies.every((each) => each === 'verified') && look.controlEpoch >= held.controlEpoch ? 'verified' : 'broken',
    keys: look.governance.keys,
    audit: wentBack || look.signedSize > look.treeSize ? 'broken' : 'verified',
    watch: 'verified',
  };
}

/** What decisions are told of the domain as a whole. */
export function governanceOf({ policy, keys, audit }: DomainVerdicts): WatchVerdict {
  const words = [policy, keys, audit];
  return words.includes('broken') ? 'broken' : words.every((each) => each === 'verified') ? 'verified' : 'unknown';
}

/**
 * The heartbeat. Where a verdict changed it is an act of its own, with a leaf and a notice for each; otherwise one
 * update.
 *
 * @returns false: another detector took the watch over meanwhile, and nothing was written
 */
export async function beatWatch(
  pool: Pool,
  owner: string,
  look: DomainLook,
  held: HeldWatch,
  bounds: WatchBounds,
): Promise<boolean> {
  const limbs = judgeDomain(look, held);
  const beat = (db: Queryable): Promise<number> => {
    const { atMs, controlEpoch, treeSize, signedSize } = look;
    const times = [atMs, bounds.domainMs, bounds.flowMs];
    const verdicts = [governanceOf(limbs), JSON.stringify(limbs)];
    return execute(db, BEAT, [owner, ...times, ...verdicts, controlEpoch, treeSize, signedSize]);
  };
  const lapsed = held.limbs.watch === 'verified' && look.atMs >= held.dueAtMs;
  const changed = DOMAIN_LIMBS.filter((limb) => held.limbs[limb] !== limbs[limb] || (limb === 'watch' && lapsed));
  if (changed.length === 0) return (await guarded(() => beat(pool))) > 0;
  return inControlAct(pool, async (act) => {
    if ((await beat(act.tx)) === 0) return false;
    for (const limb of changed) {
      const since = lapsed ? { unwatched_from_ms: held.dueAtMs, unwatched_until_ms: look.atMs } : {};
      const evidence = { policy: { policies: brokenPolicies(look) }, keys: {}, audit: {}, watch: since };
      recordVerdict(act, limb, limbs[limb], evidence[limb]);
    }
    return true;
  });
}

function brokenPolicies({ governance }: DomainLook): string {
  const broken = [...governance.policies].filter(([, verdict]) => verdict === 'broken');
  return broken.map(([id]) => id).sort().join(' '); // prettier-ignore
}

/** Of the domain as a whole: no flow is named. */
function recordVerdict(
  act: ControlAct,
  limb: DomainLimb,
  verdict: WatchVerdict,
  evidence: Readonly<Record<string, string | number>>,
): void {
  act.record({
    type: 'verification_changed',
    payload: { flow: null, epoch: null, limb, verdict, rule: `watch.${limb}`, evidence },
    event: { name: 'verification_changed', subject: { kind: 'limb', id: limb } },
  });
}
