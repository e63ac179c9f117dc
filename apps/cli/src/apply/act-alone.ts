import { StartError } from '@spendgate/platform';
import { type Pool, inControlAct, recordPersonAct, revokeIssuedArtifacts, revokeKey } from '@spendgate/store';
import { Difference, type DifferenceRow } from './difference.js';
import { type Person, signAct } from './person.js';

const LIFETIME_SECONDS = 300;

export interface LoneRevocation {
  readonly kind: 'artifact' | 'key';
  readonly id: string;
  readonly issuer: string;
  readonly person: Person;
  readonly reason: string;
}

/** Ends the act, and its transaction, when there was nothing to do. */
class NothingToRevoke extends Error {}

/**
 * Revokes an artifact or a key on one operator's signature: stopping is never made to wait for a second person.
 *
 * @returns what changed; empty: it was revoked before, or never there
 * @throws {StartError} the signature is not an operator's; nothing was revoked
 */
export async function actAlone(pool: Pool, revocation: LoneRevocation): Promise<DifferenceRow[]> {
  const { kind, id, issuer, person, reason } = revocation;
  const action = kind === 'key' ? 'revoke_key' : 'revoke_artifact';
  const targets = [{ kind, id, version: null }];
  const token = await signAct(person, { action, targets, reason, issuer, lifetimeSeconds: LIFETIME_SECONDS });
  const difference = new Difference();
  try {
    await inControlAct(pool, async (act) => {
      const problem = await recordPersonAct(act, token, { action, target: { kind, id } });
      if (problem !== null) throw new StartError(`nothing was revoked: ${problem}`);
      const watched = difference.watch(act);
      if (kind === 'key') await revokeKey(watched, id);
      else await revokeIssuedArtifacts(watched, [id], reason);
      if (difference.rows().length === 0) throw new NothingToRevoke();
    });
  } catch (error) {
    if (!(error instanceof NothingToRevoke)) throw error;
  }
  return difference.rows();
}
