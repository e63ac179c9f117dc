import { StartError } from '@spendgate/platform';
import {
  type ControlAct,
  type Pool,
  inControlAct,
  recordPersonAct,
  retireKey,
  revokeIssuedArtifacts,
  revokeKey,
} from '@spendgate/store';
import { Difference, type DifferenceRow } from './difference.js';
import { type Person, signAct } from './person.js';

const LIFETIME_SECONDS = 300;

export interface LoneAct {
  readonly action: 'revoke_artifact' | 'revoke_key' | 'retire_key';
  /** Each is signed for; all of them, or none. */
  readonly ids: readonly string[];
  readonly issuer: string;
  readonly person: Person;
  readonly reason: string;
  /** Unix ms from which a retired key signs nothing; the act's own time when absent or past. */
  readonly atMs?: number;
  /** Looks again, inside the act, at what the person decided on. @throws {StartError} it has changed */
  readonly recheck?: (act: ControlAct) => Promise<void>;
}

const EFFECTS: Readonly<Record<LoneAct['action'], (act: ControlAct, id: string, lone: LoneAct) => Promise<unknown>>> = {
  revoke_artifact: (act, id, { reason }) => revokeIssuedArtifacts(act, [id], reason),
  revoke_key: (act, id) => revokeKey(act, id),
  retire_key: (act, id, { atMs = 0 }) => retireKey(act, id, Math.max(atMs, act.atMs), null),
};

/** Ends the act, and its transaction, when there was nothing to do. */
class NothingToDo extends Error {}

/**
 * What one operator's signature is enough for: stopping an artifact or a key is never made to wait for a second person.
 *
 * @returns what changed; empty: it was done before, or there is no such thing
 * @throws {StartError} the signature is not an operator's; nothing was done
 */
export async function actAlone(pool: Pool, lone: LoneAct): Promise<DifferenceRow[]> {
  const { action, ids, issuer, person, reason } = lone;
  const kind = action === 'revoke_artifact' ? 'artifact' : 'key';
  const signed = await Promise.all(
    ids.map(async (id) => {
      const targets = [{ kind, id, version: null }];
      return {
        id,
        token: await signAct(person, { action, targets, reason, issuer, lifetimeSeconds: LIFETIME_SECONDS }),
      };
    }),
  );
  const difference = new Difference();
  try {
    await inControlAct(pool, async (act) => {
      const watched = difference.watch(act);
      for (const { id, token } of signed) {
        const problem = await recordPersonAct(act, token, { action, target: { kind, id } });
        if (problem !== null) throw new StartError(`nothing was done: ${problem}`);
        await EFFECTS[action](watched, id, lone);
      }
      await lone.recheck?.(act);
      if (difference.rows().length === 0) throw new NothingToDo();
    });
  } catch (error) {
    if (!(error instanceof NothingToDo)) throw error;
  }
  return difference.rows();
}
