import { StartError } from '@spendgate/platform';
import type { Pool } from '../pool.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** The authority this database belongs to. */
export interface DomainRow {
  readonly issuer: string;
  /** Differs between two installations of one issuer: a restored copy is not the original. */
  readonly instanceId: string;
  /** `demo`: seeded with keys everybody can make; never on real infrastructure. */
  readonly kind: 'demo' | 'own';
  readonly rulesVersion: number;
  readonly controlEpoch: bigint;
}

const INSERT = statement(
  'domain-insert',
  `INSERT INTO domain (issuer, instance_id, kind, rules_version) VALUES ($1, gen_random_uuid(), $2, $3)
   ON CONFLICT (only_row) DO NOTHING`,
);
const READ = statement(
  'domain-read',
  `SELECT issuer, instance_id AS "instanceId", kind, rules_version AS "rulesVersion", control_epoch AS "controlEpoch"
   FROM domain`,
);

/**
 * Makes the domain row of a fresh database, or finds the one it has.
 *
 * @throws {StartError} when the database belongs to another issuer, or to a demo where a real domain is asked for
 */
export async function openDomain(
  pool: Pool,
  wanted: Pick<DomainRow, 'issuer' | 'kind' | 'rulesVersion'>,
): Promise<DomainRow> {
  await guarded(() => query(pool, INSERT, [wanted.issuer, wanted.kind, wanted.rulesVersion]));
  const found = await readDomain(pool);
  if (found?.issuer === wanted.issuer && found.kind === wanted.kind) return found;
  throw new StartError(
    `the database holds ${found?.kind ?? 'no'} domain ${found?.issuer ?? ''}, not ${wanted.kind} domain ${wanted.issuer}. ` +
      'Set SPENDGATE_ISSUER to the first, or use another database or --data folder.',
  );
}

/** `undefined` before the first `openDomain`. */
export async function readDomain(db: Queryable): Promise<DomainRow | undefined> {
  const [row] = await guarded(() => query<DomainRow & Record<string, unknown>>(db, READ));
  return row;
}
