import { type VerificationKey, parsePublicKey, verifyToken } from '@spendgate/artifact';
import { canonicalize, splitCompact } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type KeyContinuity, type Pool, Registry, readDomain } from '@spendgate/store';
import type { Change, DeclaredChange } from './change.js';

const TYP = 'mandate+jwt';

/**
 * Verifies that each declared mandate is signed for this domain by its own principal, with a principal's key that is
 * registered or comes with the change: a mandate nobody could verify later must not become one now. An agent's key is
 * none, also where the agent has the principal's name; delegation by agents is no matter of a domain file.
 *
 * @throws {StartError} naming the first one that is not
 */
export async function verifyMandates(pool: Pool, change: Change): Promise<void> {
  if (change.kind !== 'declare' || change.mandates.length === 0) return;
  const domain = await readDomain(pool);
  if (domain === undefined) throw new StartError('nothing was applied:\nthe database holds no domain yet');
  const keyOf = await principalKeys(pool, change);
  const expected = { typ: TYP, keys: keyOf, atMs: Date.now(), audience: domain.issuer } as const;
  for (const { claim, token } of change.mandates) {
    const verdict = await verifyToken(token, { ...expected, issuer: claim.principal });
    if (!verdict.ok) throw refused(claim.id, `${verdict.code} (${verdict.field})`);
    if (verdict.key.purpose !== 'principal' || verdict.key.party !== claim.principal)
      throw refused(claim.id, 'not signed with a key of its principal');
    if (keyOf(verdict.key.kid)?.continuity === 'broken')
      throw refused(
        claim.id,
        'identity_discontinuity (header.kid): the log does not explain the keys of its principal',
      );
    if (canonicalize(verdict.claims.mandate) !== canonicalize(claim))
      throw refused(claim.id, 'signed for another content');
  }
}

/** Keys by kid: declared ones first, then what the registry knows. */
async function principalKeys(
  pool: Pool,
  { keys, mandates }: DeclaredChange,
): Promise<(kid: string) => (VerificationKey & { continuity?: KeyContinuity }) | undefined> {
  const declared = new Map<string, VerificationKey>();
  for (const { kind, partyId, jwk } of keys) {
    const parsed = kind === 'principal' ? parsePublicKey(jwk, { purpose: kind, party: partyId }) : undefined;
    if (parsed?.ok === true) declared.set(parsed.key.kid, parsed.key);
  }
  const kids = mandates.map(({ token }) => {
    const split = splitCompact(Buffer.from(token), { typ: TYP });
    return split.ok ? split.jws.header.kid : '';
  });
  const registered = await new Registry(pool).at({ kids: [...new Set(kids)] });
  return (kid) => declared.get(kid) ?? registered.key(kid);
}

function refused(id: string, problem: string): StartError {
  return new StartError(`nothing was applied:\nmandate ${id}: ${problem}`);
}
