import { StartError } from '@spendgate/platform';
import { readSchemaState } from '../migrate.js';
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

/**
 * Makes sure that a role is started on the domain its database holds, under the rules that domain decides by. Changes
 * nothing: a role may have no right to.
 *
 * @throws {StartError} naming what differs and what mends it
 */
export async function requireDomain(
  pool: Pool,
  { issuer, rulesVersion }: Pick<DomainRow, 'issuer' | 'rulesVersion'>,
): Promise<void> {
  const { pending } = await readSchemaState(pool);
  if (pending.length > 0) throw new StartError(`${pending.length} migrations are missing: run spendgate migrate`);
  const found = await readDomain(pool);
  if (found === undefined) throw new StartError('the database holds no domain yet: run spendgate apply FILE.yaml');
  if (found.issuer !== issuer) {
    throw new StartError(`the database holds domain ${found.issuer}, not ${issuer}: set SPENDGATE_ISSUER to the first`);
  }
  if (found.rulesVersion === rulesVersion) return;
  throw new StartError(
    `the domain decides by rules ${found.rulesVersion}, this release by ${rulesVersion}: start the same release everywhere`,
  );
}

/** `undefined` before the first `openDomain`. */
export async function readDomain(db: Queryable): Promise<DomainRow | undefined> {
  const [row] = await guarded(() => query<DomainRow & Record<string, unknown>>(db, READ));
  return row;
}
