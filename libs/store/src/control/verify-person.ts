import { verifyToken } from '@spendgate/artifact';
import { type OpsActionClaims, splitCompact } from '@spendgate/codec';
import { type ActingPerson, type DenialCode, isDenialCode } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import type { Queryable } from '../statement.js';
import { loadKeys } from '../registry/key-rows.js';
import { loadParties } from '../registry/load-facts.js';

const TYP = 'ops-action+jwt';

export type PersonVerdict =
  | { readonly ok: true; readonly claims: OpsActionClaims; readonly person: ActingPerson }
  | { readonly ok: false; readonly problem: string; readonly code: DenialCode; readonly field: string };

/** Of a control act; or, of an act that was taken before, the time it was taken at. */
type VerifyingPlace = Pick<ControlAct, 'domain' | 'atMs'> & { readonly tx: Queryable };

/**
 * Verifies a person's act against what is registered under the control lock: an active key of an active person, who
 * signed for this domain and whose token is still alive.
 *
 * @param token `ops-action+jwt`
 * @returns the problem in words, beginning with a denial code
 */
export async function verifyPerson(act: VerifyingPlace, token: string): Promise<PersonVerdict> {
  const split = splitCompact(Buffer.from(token), { typ: TYP });
  if (!split.ok) return refuse(split.code, split.field);
  const [key] = await loadKeys(act.tx, [split.jws.header.kid]);
  if (key?.partyKind !== 'person') return refuse('key_unknown', split.jws.header.kid);
  if (key.continuity === 'broken') return refuse('identity_discontinuity', key.party);
  const verdict = await verifyToken(token, {
    typ: TYP,
    keys: (kid) => (kid === key.kid ? key : undefined),
    atMs: act.atMs,
    issuer: key.party,
    audience: act.domain,
  });
  if (!verdict.ok) return refuse(verdict.code, verdict.field);
  const [person] = await loadParties(act.tx, [{ kind: 'person', id: key.party }]);
  if (person?.state !== 'active') return refuse('key_retired', `${key.party} is not active`);
  return {
    ok: true,
    claims: verdict.claims,
    person: { person: person.id, kid: key.kid, roles: personRoles(person.body) },
  };
}

function refuse(code: string, detail: string): PersonVerdict {
  // A token past its time is none any more: `expired` is no code of the table.
  return {
    ok: false,
    problem: `${code} (${detail})`,
    code: isDenialCode(code) ? code : 'signature_invalid',
    field: detail,
  };
}

/** Roles as declared; a body edited into something else has none. */
export function personRoles(body: unknown): string[] {
  const roles: unknown = typeof body === 'object' && body !== null && 'roles' in body ? body.roles : [];
  return Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string') : [];
}
