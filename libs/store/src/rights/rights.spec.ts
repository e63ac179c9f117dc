import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { migrate } from '../migrate.js';
import { createPool } from '../pool.js';
import { grantsOver, readGrants } from './grant-rights.js';
import { readRunningLogins } from './read-excess.js';
import { DATABASE_ROLES, type DatabaseRole, ROLE_RIGHTS, type Rights } from './role-rights.js';

const INSUFFICIENT_PRIVILEGE = '42501';
const PASSWORD = 'spec';

let database: TestDatabase;
let tables: { name: string; columns: string[] }[];
beforeAll(async () => {
  database = await startTestDatabase();
  tables = await read(
    `SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attidentity = '' -- those are nobody's to set
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY 1 ORDER BY 1`,
  );
}, 60_000);
afterAll(() => database.close());

async function read<T>(sql: string): Promise<T[]> {
  return (await database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

/** What the server says to a statement of a role; `'ok'` when it would have run. Nothing stays. */
async function attempts(role: string, statements: readonly string[]): Promise<Map<string, string>> {
  const client = await database.pool.connect();
  const told = new Map<string, string>();
  try {
    await client.query(`BEGIN; SET LOCAL ROLE ${role}`);
    for (const each of statements) {
      await client.query('SAVEPOINT s');
      const answer = await client.query(each).then(
        () => 'ok',
        (error: Error & { code?: string }) => error.code ?? error.message,
      );
      told.set(each, answer);
      await client.query('ROLLBACK TO SAVEPOINT s');
    }
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
  return told;
}

/** Every way to write a row or change the schema, each as one statement that would touch nothing if it were allowed. */
function acts(): { act: string; sql: string }[] {
  return tables.flatMap(({ name, columns }) => [
    {
      act: `INSERT ${name}`,
      sql: `INSERT INTO ${name} (${listed(columns)}) SELECT ${listed(columns)} FROM ${name} WHERE false`,
    },
    { act: `DELETE ${name}`, sql: `DELETE FROM ${name} WHERE false` },
    ...columns.map((column) => ({
      act: `UPDATE ${name}.${column}`,
      sql: `UPDATE ${name} SET "${column}" = "${column}" WHERE false`,
    })),
    { act: `TRUNCATE ${name}`, sql: `TRUNCATE ${name}` },
    { act: `ALTER ${name}`, sql: `ALTER TABLE ${name} ADD COLUMN x text` },
    { act: `DISABLE TRIGGER ${name}`, sql: `ALTER TABLE ${name} DISABLE TRIGGER ALL` },
    { act: `DROP ${name}`, sql: `DROP TABLE ${name} CASCADE` },
  ]);
}
const DDL = [
  { act: 'CREATE TABLE', sql: 'CREATE TABLE public.x (a text)' },
  { act: 'CREATE FUNCTION', sql: "CREATE FUNCTION public.x() RETURNS int LANGUAGE sql AS 'SELECT 1'" },
  { act: 'CREATE ROLE', sql: 'CREATE ROLE x' },
  { act: 'read a file', sql: "SELECT pg_read_file('PG_VERSION')" },
];

const listed = (columns: readonly string[]): string => columns.map((each) => `"${each}"`).join(', ');

function isGranted(role: DatabaseRole, act: string): boolean {
  const rights: Rights = ROLE_RIGHTS[role];
  const [verb = '', place = ''] = act.split(' ');
  const [table = '', column = ''] = place.split('.');
  const { insert, delete: deletes, update = [] } = rights[table] ?? {};
  return (
    (verb === 'INSERT' && insert === true) ||
    (verb === 'DELETE' && deletes === true) ||
    (verb === 'UPDATE' && update.includes(column))
  );
}

describe('the rights of a role', () => {
  it('name only tables and columns there are', () => {
    const places = new Set(
      tables.flatMap(({ name, columns }) => [name, ...columns.map((column) => `${name}.${column}`)]),
    );
    const named = DATABASE_ROLES.flatMap((role) => {
      const rights: Rights = ROLE_RIGHTS[role];
      return Object.entries(rights).flatMap(([table, { update = [] }]) => [
        table,
        ...update.map((each) => `${table}.${each}`),
      ]);
    });
    expect(named.filter((place) => !places.has(place))).toEqual([]);
  });

  it.each(DATABASE_ROLES)(
    '%s: every other write, on every table and column, and every change of the schema is 42501',
    async (role) => {
      const all = [...acts(), ...DDL];
      const told = await attempts(
        role,
        all.map(({ sql }) => sql),
      );
      const wrong = all.filter(({ act, sql }) => {
        const answer = told.get(sql);
        return isGranted(role, act) ? answer === INSUFFICIENT_PRIVILEGE : answer !== INSUFFICIENT_PRIVILEGE;
      });
      expect(wrong.map(({ act, sql }) => `${act}: ${told.get(sql)}`)).toEqual([]);
      expect(all.filter(({ act }) => !isGranted(role, act)).length).toBeGreaterThan(300);
    },
    60_000,
  );

  it.each([
    ['log_positions', ['spendgate_log']],
    ['checkpoints', ['spendgate_log']],
    ['log_tiles', ['spendgate_log']],
    ['log_state', ['spendgate_log']],
    ['decisions', ['spendgate_authorizer']],
    ['settlements', ['spendgate_gate']],
    ['domain_keys', ['spendgate_console']],
    ['policies', ['spendgate_console']],
    ['migrations', []],
  ])('%s is written by %p', (table, writers) => {
    expect(DATABASE_ROLES.filter((role) => table in ROLE_RIGHTS[role])).toEqual(writers);
  });

  it('changes no leaf once it is written, but for its payload by the redactor', () => {
    const changing = DATABASE_ROLES.filter((role) => {
      const { leaves = {} }: Rights = ROLE_RIGHTS[role];
      return leaves.update !== undefined || leaves.delete === true;
    });
    expect(changing).toEqual(['spendgate_redactor']);
    expect(ROLE_RIGHTS.spendgate_redactor).toEqual({ leaves: { update: ['payload', 'salt'] } });
  });

  it('migrate takes back what somebody granted beside them, and gives back what was taken', async () => {
    const wanted = grantsOver(tables.map(({ name }) => name));
    expect(await readGrants(database.pool)).toEqual(wanted);
    await database.pool.query('GRANT UPDATE ON leaves TO spendgate_gate; GRANT DELETE ON checkpoints TO spendgate_log');
    await database.pool.query('REVOKE UPDATE (held) ON holds FROM spendgate_gate');
    expect(await readGrants(database.pool)).not.toEqual(wanted);
    expect(await migrate(database.url)).toEqual([]);
    expect(await readGrants(database.pool)).toEqual(wanted);
  });
});

describe('a server where the owner may not create roles', () => {
  it('migrates when the roles are there, and else says which are missing and what makes them', async () => {
    await database.pool.query(`CREATE ROLE plain_owner LOGIN PASSWORD '${PASSWORD}'`);
    await database.pool.query('CREATE DATABASE plain OWNER plain_owner');
    try {
      const url = loginUrl(database.url, 'plain_owner', 'plain');
      await database.pool.query('ALTER ROLE spendgate_redactor RENAME TO spendgate_away');
      try {
        await expect(migrate(url)).rejects.toThrow(
          'the database login plain_owner may not create roles, and spendgate_redactor is missing. ' +
            'Have someone who may run: CREATE ROLE spendgate_redactor NOLOGIN; then migrate again',
        );
      } finally {
        await database.pool.query('ALTER ROLE spendgate_away RENAME TO spendgate_redactor');
      }
      await migrate(url);
      const plain = createPool(url, { connectionsMax: 1 });
      expect(await readGrants(plain)).toEqual(grantsOver(tables.map(({ name }) => name)));
      await plain.end();
    } finally {
      await database.pool.query('DROP DATABASE plain WITH (FORCE)');
      await database.pool.query('DROP ROLE plain_owner');
    }
  }, 60_000);
});

describe('a running login', () => {
  const roles = new Map<string, DatabaseRole>([['spendgate settlement-gate', 'spendgate_gate']]);
  const found = async (login: string | undefined) => {
    const url = loginUrl(database.url, login);
    const pool = createPool(url, {
      applicationName: 'spendgate settlement-gate',
      role: 'spendgate_gate',
      connectionsMax: 1,
    });
    try {
      await pool.query('SELECT 1');
      return await readRunningLogins(database.pool, roles);
    } finally {
      await pool.end();
    }
  };

  it('of its own, member of its role only, has no more than its role', async () => {
    await database.pool.query(`CREATE ROLE pay_gate LOGIN PASSWORD '${PASSWORD}' IN ROLE spendgate_gate`);
    try {
      expect(await found('pay_gate')).toEqual([
        { login: 'pay_gate', application: 'spendgate settlement-gate', excess: [] },
      ]);
      await database.pool.query('GRANT spendgate_redactor TO pay_gate; GRANT DELETE ON decisions TO pay_gate');
      const [more] = await found('pay_gate');
      expect(more?.excess).toEqual(['DELETE decisions', 'UPDATE leaves']);
    } finally {
      await database.pool.query('DROP OWNED BY pay_gate; DROP ROLE pay_gate');
    }
  });

  it('that owns everything could do more, although it gave it up: it can take it back', async () => {
    const [login] = await found(undefined);
    expect(login?.excess).toEqual(['it is a superuser']);
  });

  it('that is no member of its role does not start', async () => {
    await database.pool.query(`CREATE ROLE pay_other LOGIN PASSWORD '${PASSWORD}'`);
    try {
      await expect(found('pay_other')).rejects.toThrow(
        /cannot act as spendgate_gate: permission denied.*GRANT spendgate_gate/,
      );
    } finally {
      await database.pool.query('DROP ROLE pay_other');
    }
  });
});

function loginUrl(of: string, login?: string, name?: string): string {
  const url = new URL(of);
  if (login !== undefined) [url.username, url.password] = [login, PASSWORD];
  if (name !== undefined) url.pathname = `/${name}`;
  return url.href;
}
