import { type Queryable, query, statement } from '../statement.js';
import type { ControlAct } from '../control-lock.js';
import { guarded } from '../transaction.js';

/** What `apply` compares a declared mandate with. */
export interface StandingMandate {
  readonly id: string;
  readonly version: number;
  /** RFC 8785 form of the claims as signed. */
  readonly claims: string;
  readonly revoked: boolean;
}

const MANDATES = statement(
  'mandates-standing',
  `SELECT mandate_id AS id, version, claims, revoked_at IS NOT NULL AS revoked FROM mandates
   WHERE mandate_id = ANY ($1::uuid[])`,
);
const DECIDED = statement('domain-has-decided', 'SELECT EXISTS (SELECT FROM decisions) AS decided');

/** The mandates of these ids that are recorded, in any order. */
export function readStandingMandates(db: Queryable, ids: readonly string[]): Promise<StandingMandate[]> {
  return guarded(() => query<StandingMandate & Record<string, unknown>>(db, MANDATES, [ids]));
}

/** Whether this domain ever decided on an intent: from then on a change takes two people (design: People). */
export async function hasDecided(db: Queryable): Promise<boolean> {
  const [row] = await guarded(() => query<{ decided: boolean }>(db, DECIDED));
  return row?.decided !== false; // not knowing counts as having decided
}

/** Lets an act run longer than any other transaction. A process that stops in it still loses it, as one that stands idle. */
export async function takeAnyTime({ tx }: ControlAct): Promise<void> {
  await tx.query('SET LOCAL transaction_timeout = 0');
}
