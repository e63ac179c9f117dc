import { StartError } from '@spendgate/platform';
import type { Pool } from '../pool.js';
import { type Queryable, query, statement } from '../statement.js';
import { inTransaction } from '../transaction.js';
import { DATABASE_ROLES, type DatabaseRole, ROLE_RIGHTS, type Rights } from './role-rights.js';

/** One thing a role may do: `spendgate_gate UPDATE holds.held`, `spendgate_gate INSERT settlements`. */
export type Grant = string;

/** The redactor needs the rows it redacts and no others. */
const READS_LEAVES_ONLY: readonly DatabaseRole[] = ['spendgate_redactor'];

const TABLES = statement(
  'rights-tables',
  `SELECT relname AS name FROM pg_class
   WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`,
);
const GRANTED = statement(
  'rights-granted',
  `SELECT r.rolname || ' ' || a.privilege_type || ' ' || c.relname AS granted
   FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
   WHERE c.relnamespace = 'public'::regnamespace AND r.rolname = ANY ($1)
   UNION ALL
   SELECT r.rolname || ' ' || a.privilege_type || ' ' || c.relname || '.' || t.attname
   FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a JOIN pg_roles r ON r.oid = a.grantee
   WHERE c.relnamespace = 'public'::regnamespace AND r.rolname = ANY ($1)`,
);
const MISSING_ROLES = statement(
  'rights-missing-roles',
  `SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name)`,
);
const MAY_CREATE = statement(
  'rights-may-create',
  `SELECT current_user AS name, rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user`,
);

/** What the roles may now, in this database. */
export async function readGrants(db: Queryable): Promise<Set<Grant>> {
  const rows = await query<{ granted: string }>(db, GRANTED, [DATABASE_ROLES]);
  return new Set(rows.map((row) => row.granted));
}

/** What the roles are to have over these tables. */
export function grantsOver(tables: readonly string[]): Set<Grant> {
  return new Set(DATABASE_ROLES.flatMap((role) => tables.flatMap((table) => grantsOf(role, table))));
}

function grantsOf(role: DatabaseRole, table: string): Grant[] {
  const rights: Rights = ROLE_RIGHTS[role];
  const { insert, update = [], delete: deletes } = rights[table] ?? {};
  const reads = !READS_LEAVES_ONLY.includes(role) || table === 'leaves';
  return [
    ...(reads ? [`${role} SELECT ${table}`] : []),
    ...(insert === true ? [`${role} INSERT ${table}`] : []),
    ...(deletes === true ? [`${role} DELETE ${table}`] : []),
    ...update.map((column) => `${role} UPDATE ${table}.${column}`),
  ];
}

/**
 * Makes the roles where the server has none, and gives each exactly its rights: what else was granted to them is taken
 * back, in one transaction. Changes nothing when everything is as it should be.
 *
 * Roles belong to the server, so another database's may be there already; rights belong to the database.
 *
 * @throws {StartError} a role is missing and this login may not create roles: with the statements for someone who may
 */
export async function grantRights(pool: Pool): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const missing = (await query<{ name: string }>(tx, MISSING_ROLES, [DATABASE_ROLES])).map((row) => row.name);
    if (missing.length > 0) await createRoles(tx, missing);
    const tables = (await query<{ name: string }>(tx, TABLES)).map((row) => row.name);
    const [granted, wanted] = [await readGrants(tx), grantsOver(tables)];
    if (granted.size === wanted.size && [...wanted].every((each) => granted.has(each))) return;
    const roles = DATABASE_ROLES.join(', ');
    await tx.query(
      [
        `REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${roles}`,
        `GRANT USAGE ON SCHEMA public TO ${roles}`,
        ...[...wanted].map(toSql),
      ].join(';\n'),
    );
  });
}

async function createRoles(tx: Queryable, missing: readonly string[]): Promise<void> {
  const statements = missing.map((name) => `CREATE ROLE ${name} NOLOGIN`);
  const [login] = await query<{ name: string; may: boolean }>(tx, MAY_CREATE);
  if (login?.may !== true) {
    throw new StartError(
      `the database login ${login?.name ?? ''} may not create roles, and ${missing.join(', ')} ` +
        `${missing.length === 1 ? 'is' : 'are'} missing. Have someone who may run: ${statements.join('; ')}; then migrate again`,
    );
  }
  // Two databases of one server may migrate at once, and no lock of ours reaches from one to the other.
  const tolerant = statements.map(
    (each) => `BEGIN ${each}; EXCEPTION WHEN duplicate_object OR unique_violation THEN END;`,
  );
  await tx.query(`DO $$ BEGIN ${tolerant.join(' ')} END $$`);
}

function toSql(grant: Grant): string {
  const [role, privilege, place = ''] = grant.split(' ');
  const [table, column] = place.split('.');
  return `GRANT ${privilege}${column === undefined ? '' : ` ("${column}")`} ON "${table}" TO ${role}`;
}
