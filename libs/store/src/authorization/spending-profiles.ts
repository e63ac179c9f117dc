import type { SpendingProfile } from '@spendgate/core';
import { hashProfile, profileIn } from '../control/baselines.js';
import { type Transaction, query, statement } from '../statement.js';
import type { FlowRow } from './read-hot-state.js';

const BASELINES = statement('spending-baselines', 'SELECT baseline FROM flows WHERE flow_id = ANY ($1::uuid[])');
/** Flows of one mandate family share a profile, and one is a few kilobytes. */
const PROFILES_MAX = 10_000;

/** Spending profiles by hash: what is named by its content never goes stale. Bounded; the longest unused one goes first. */
export class SpendingProfiles {
  private readonly known = new Map<string, SpendingProfile>();

  /**
   * The profiles of flows just read under their locks. One statement when one of them was not met before, else none.
   *
   * @returns by hash; a profile that is not in its flow's baseline is left out, which denies
   */
  async of(tx: Transaction, flows: Iterable<FlowRow>): Promise<ReadonlyMap<string, SpendingProfile>> {
    const wanted = [...flows].filter(({ profileHash }) => profileHash !== null);
    const missing = wanted.filter(({ profileHash }) => !this.known.has(profileHash ?? ''));
    const met = missing.length === 0 ? NONE : await readProfiles(tx, missing);
    const found = new Map<string, SpendingProfile>();
    for (const { profileHash } of wanted) {
      const hash = profileHash ?? '';
      const profile = this.known.get(hash) ?? met.get(hash);
      if (profile === undefined) continue;
      this.known.delete(hash); // to the end of the map's order: used last
      this.known.set(hash, profile);
      found.set(hash, profile);
    }
    for (const hash of this.known.keys()) {
      if (this.known.size <= PROFILES_MAX) break;
      this.known.delete(hash);
    }
    return found;
  }
}

const NONE: ReadonlyMap<string, SpendingProfile> = new Map();

async function readProfiles(tx: Transaction, flows: readonly FlowRow[]): Promise<Map<string, SpendingProfile>> {
  const rows = await query<{ baseline: string }>(tx, BASELINES, [flows.map(({ flowId }) => flowId)]);
  return new Map(
    rows.flatMap(({ baseline }) => {
      const profile = profileIn(baseline);
      return profile === null || profile === 'unknown' ? [] : [[hashProfile(profile), profile] as const];
    }),
  );
}
