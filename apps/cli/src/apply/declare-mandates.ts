import { type Signer, readPartySigner, signToken } from '@spendgate/artifact';
import { type MandateClaim, canonicalize } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { MandateDeclaration, StandingMandate } from '@spendgate/store';
import type { MandateEntry } from './domain-file.js';

const TOKEN_LIFETIME_SECONDS = 86_400;
/** 2100-01-01T00:00:00Z: a mandate without an end is ended by revoking it. */
const NO_END_SECONDS = 4_102_444_800;

/**
 * Signs each declared mandate with its principal's key from the key folder. One that says what is recorded already keeps
 * its version and its bytes of old; another content is the next version.
 *
 * @throws {StartError} a parent that is neither declared nor recorded, a principal whose key is not in the folder
 */
export async function declareMandates(
  entries: readonly MandateEntry[],
  standing: readonly StandingMandate[],
  keyFolder: string,
  issuer: string,
  nowSeconds: number,
): Promise<MandateDeclaration[]> {
  const known = new Map(standing.map((mandate) => [mandate.id, mandate]));
  const declared = new Map(entries.map((entry) => [entry.id, entry]));
  const signers = new Map<string, Signer>();
  for (const principal of new Set(entries.map((entry) => entry.principal))) {
    const signer = await readPartySigner(keyFolder, principal, 'principal');
    if (signer === undefined) throw new StartError(`${keyFolder} holds no key of principal ${principal}`);
    signers.set(principal, signer);
  }
  const changed = entries.flatMap((entry) => {
    const depth = depthOf(entry, declared, known);
    const before = known.get(entry.id);
    const same = before !== undefined && canonicalize(claimOf(entry, before.version, depth)) === before.claims;
    return same ? [] : [claimOf(entry, (before?.version ?? 0) + 1, depth)];
  });
  return Promise.all(
    changed.map(async (claim) => {
      const iat = nowSeconds;
      const times = { iat, exp: iat + TOKEN_LIFETIME_SECONDS };
      const jti = `${claim.id}:${claim.version}`;
      const claims = { iss: claim.principal, aud: issuer, ...times, jti, mandate: claim };
      const signer = signers.get(claim.principal) as Signer; // as: one was read for every principal above
      return { claim, token: await signToken(signer, 'mandate+jwt', claims) };
    }),
  );
}

function claimOf(entry: MandateEntry, version: number, depth: number): MandateClaim {
  return {
    id: entry.id,
    version,
    parent: entry.parent ?? null,
    principal: entry.principal,
    agent: entry.agent ?? null,
    limits: { currency: entry.currency, total: entry.total, per_transaction: entry.per_transaction ?? null },
    counterparties: entry.counterparties ?? null,
    validity: {
      from: entry.valid_from === undefined ? 0 : seconds(entry.valid_from),
      until: entry.valid_until === undefined ? NO_END_SECONDS : seconds(entry.valid_until),
    },
    policy: { id: entry.policy },
    environment: entry.environment ?? null,
    approvals: entry.approvals ?? null,
    park_seconds: entry.park_seconds ?? null,
    depth,
  };
}

/** Levels above a mandate, from the file, or from what is recorded where the file ends. */
function depthOf(
  entry: MandateEntry,
  declared: ReadonlyMap<string, MandateEntry>,
  known: ReadonlyMap<string, StandingMandate>,
  seen: ReadonlySet<string> = new Set(),
): number {
  if (entry.parent === undefined) return 0;
  if (seen.has(entry.id)) throw new StartError(`mandate ${entry.name} is its own ancestor`);
  const parent = declared.get(entry.parent);
  if (parent !== undefined) return depthOf(parent, declared, known, new Set([...seen, entry.id])) + 1;
  const recorded = known.get(entry.parent);
  if (recorded === undefined)
    throw new StartError(`mandate ${entry.name}: no mandate ${entry.parent} to be its parent`);
  return (JSON.parse(recorded.claims) as MandateClaim).depth + 1; // as: our own column, written from a checked claim
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
