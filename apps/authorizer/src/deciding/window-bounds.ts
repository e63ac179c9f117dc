import { windowBounds } from '@spendgate/codec';
import { type Bounds, type Counters, type CounterUse, type WindowBounds, counterId, countersOf } from '@spendgate/core';
import type { RegistryFacts } from '@spendgate/store';
import type { Candidate } from '../intake/candidate.js';
import { ownChain } from './facts.js';

const NO_USES: readonly CounterUse[] = [];
const NO_BOUNDS: Bounds = new Map();

/** The counters an intent counts in when it is authorized; none where no level has a limit that needs one. */
export function counterUses(candidate: Candidate, facts: RegistryFacts): readonly CounterUse[] {
  const chain = ownChain(candidate, facts);
  if (typeof chain === 'string' || !chain.some(({ countedLimits }) => countedLimits.length > 0)) return NO_USES;
  const { counterparty: id } = candidate.claims;
  const payee = { id, category: facts.counterparty(id)?.category ?? null };
  return chain.flatMap((mandate) => countersOf(mandate, payee));
}

/**
 * Where an intent stands in the windows of its counters, by the time it was appended: `judged_at` may only deny, and a
 * batch that is decided late would otherwise find a new window open. A counter is shared by partitions and its time goes
 * forward only: an intent of a partition that lags behind another counts in the window the other has come to.
 *
 * @param counters as read under the locks
 */
export function boundsOf(uses: readonly CounterUse[], appendedAtMs: number, counters: Counters): Bounds {
  if (uses.length === 0) return NO_BOUNDS;
  const bounds = new Map<string, WindowBounds>();
  for (const use of uses) {
    const id = counterId(use);
    const newestMs = (counters.get(id) ?? []).reduce((newest, { startsMs }) => Math.max(newest, startsMs), 0);
    const at = windowBounds(use.window, Math.max(appendedAtMs, newestMs));
    if (at !== null) bounds.set(id, at);
  }
  return bounds;
}
