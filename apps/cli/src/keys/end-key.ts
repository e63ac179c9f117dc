import { StartError } from '@spendgate/platform';
import { type KeyLine, type Pool, listSuccessors } from '@spendgate/store';
import { actAlone } from '../apply/act-alone.js';
import type { DifferenceRow } from '../apply/difference.js';
import type { Person } from '../apply/person.js';

export interface EndedKey {
  readonly kid: string;
  readonly issuer: string;
  readonly person: Person;
  readonly reason: string;
}

/** A key that signs nothing from `atMs` (Unix ms) on; what it signed before stays as it is. @returns what changed */
export function retireOne(pool: Pool, { kid, ...by }: EndedKey, atMs: number): Promise<DifferenceRow[]> {
  // the time is part of what the operator signs for
  const reason = `${by.reason} (retired from ${new Date(atMs).toISOString()} on)`;
  return actAlone(pool, { ...by, reason, action: 'retire_key', ids: [kid], atMs });
}

/** What was removed, and the keys that were left though the removed one signed for them. */
export interface Removal {
  readonly rows: readonly DifferenceRow[];
  readonly left: readonly KeyLine[];
}

/**
 * Removes a lost or stolen key at once. Whoever held it could have made it a successor: those that became active at or
 * after `sinceMs` are removed in the same act, the others are named.
 *
 * @param sinceMs Unix ms; `null`: only the key itself
 * @throws {StartError} another successor appeared meanwhile; nothing was removed
 */
export async function removeWithSuccessors(
  pool: Pool,
  { kid, ...by }: EndedKey,
  sinceMs: number | null,
): Promise<Removal> {
  const doubtful = ({ state, activeFromMs }: KeyLine): boolean =>
    state !== 'removed' && sinceMs !== null && activeFromMs >= sinceMs;
  const known = await listSuccessors(pool, kid);
  const ids = [kid, ...known.filter(doubtful).map((key) => key.kid)];
  const rows = await actAlone(pool, {
    ...by,
    action: 'revoke_key',
    ids,
    async recheck(act) {
      // no key changes during a control act: what is missed here cannot come after it either
      const missed = (await listSuccessors(act.tx, kid)).filter(doubtful);
      if (missed.length > 0) throw new StartError('nothing was done: a successor was enrolled meanwhile; run it again');
    },
  });
  const left = (await listSuccessors(pool, kid)).filter(({ state }) => state !== 'removed' && state !== 'retired');
  return { rows, left };
}
