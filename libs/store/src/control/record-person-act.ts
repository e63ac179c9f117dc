import type { ControlAct } from '../control-lock.js';
import { verifyPerson } from './verify-person.js';

/** What one operator may do alone, and to what. */
export interface PersonAct {
  readonly action: 'revoke_artifact' | 'revoke_key' | 'retire_key' | 'accept_lane';
  readonly target: { readonly kind: string; readonly id: string };
}

/**
 * Verifies that an operator signed for exactly this act and records it; the caller does it in the same control act.
 *
 * @param token `ops-action+jwt`
 * @returns the problem in words, or `null` when recorded
 */
export async function recordPersonAct(act: ControlAct, token: string, wanted: PersonAct): Promise<string | null> {
  const verdict = await verifyPerson(act, token);
  if (!verdict.ok) return verdict.problem;
  const { claims, person } = verdict;
  const [target, ...more] = claims.targets;
  const isThis = target?.kind === wanted.target.kind && target.id === wanted.target.id && more.length === 0;
  if (claims.action !== wanted.action || !isThis) return 'the signature is for another act';
  if (!person.roles.includes('operator')) return `${person.person} is no operator`;
  const payload = { act: wanted.action, target: wanted.target, person: person.person, reason: claims.reason, token };
  act.record({ type: 'ops_action', payload });
  return null;
}
