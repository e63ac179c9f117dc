import { LIMITS } from '../limits.js';
import type { Governed, Mandate, Payee } from './types.js';

/**
 * Whether a chain leads from the root principal to the mandate spent under, without a gap (B9, E12).
 *
 * Each level must name the one above by id, and by the hash of the claims it was granted under where it states one; an
 * amended parent keeps the link through the hash of its earlier version. Root, principal, depth and path must agree all
 * along, so that a row moved under another root breaks the chain and does not borrow its budget.
 *
 * @returns the id of the first mandate that does not continue the chain, or `null`.
 */
export function findChainBreak(levels: readonly Governed[]): string | null {
  const last = levels.at(-1)?.mandate;
  if (last === undefined) return '';
  if (levels.length > LIMITS.mandateDepthMax || last.path.length !== levels.length) return last.id;
  let above: Mandate | null = null;
  for (let depth = 0; depth < levels.length; depth += 1) {
    const mandate = levels[depth]?.mandate;
    if (mandate === undefined || !continues(mandate, above, depth) || last.path[depth] !== mandate.id) {
      return mandate?.id ?? '';
    }
    above = mandate;
  }
  return null;
}

function continues(mandate: Mandate, above: Mandate | null, depth: number): boolean {
  if (mandate.depth !== depth) return false;
  if (above === null) return mandate.parent === null && mandate.parentHash === null && mandate.root === mandate.id;
  if (mandate.parent !== above.id || mandate.root !== above.root || mandate.principal !== above.principal) return false;
  return mandate.parentHash === null || carriesHash(above, mandate.parentHash);
}

/** Whether a hash is that of one of a mandate's versions, the current one or an earlier. */
export function carriesHash(mandate: Mandate, hash: string): boolean {
  return mandate.hash === hash || mandate.supersededHashes.includes(hash);
}

/** Inside [validFrom, validUntil): at the last instant itself it is over. A time that is not a number is outside. */
export function isValidAt(mandate: Mandate, atMs: number): boolean {
  return atMs >= mandate.validFromMs && atMs < mandate.validUntilMs;
}

/** A revocation counts from the moment it is on record: its time is shown, never compared. */
export function isRevoked(mandate: Mandate): boolean {
  return mandate.revokedAtMs !== null;
}

/** Whether a level lets this counterparty be paid. A category nobody knows is on no list, and none clears it. */
export function admitsCounterparty(mandate: Mandate, { id, category }: Payee): boolean {
  const { counterparties, blockedCounterparties, categories, blockedCategories } = mandate;
  if (counterparties !== null && !counterparties.includes(id)) return false;
  if (blockedCounterparties.includes(id)) return false;
  if (categories === null && blockedCategories.length === 0) return true;
  if (category === null || blockedCategories.includes(category)) return false;
  return categories === null || categories.includes(category);
}
