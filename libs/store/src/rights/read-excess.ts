import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import type { DatabaseRole } from './role-rights.js';

/** A login that a running process uses, and what it could do that its role does not. */
export interface RunningLogin {
  readonly login: string;
  readonly application: string;
  /** In words, the worst first; empty: it may do what its role does, and no more. */
  readonly excess: readonly string[];
}

/**
 * Logins of live sessions. What a session gave up by SET ROLE it can take back, so a login counts by what it could do.
 * Columns of pg_stat_activity used here are shown to everybody.
 */
const RUNNING = statement(
  'rights-running',
  `SELECT DISTINCT s.usename AS login, s.application_name AS application, m.role
   FROM pg_stat_activity s JOIN unnest($1::text[], $2::text[]) AS m (application, role)
     ON m.application = s.application_name
   WHERE s.datname = current_database() AND s.usename IS NOT NULL ORDER BY 1, 2`,
);
const STANDING = statement(
  'rights-standing',
  `SELECT r.rolsuper AS super, r.rolcreaterole AS "createRole",
     EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
       AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owner,
     has_schema_privilege(r.oid, 'public', 'CREATE') AS ddl,
     pg_has_role(r.oid, $2::text::regrole, 'MEMBER') AS member
   FROM pg_roles r WHERE r.rolname = $1`,
);
const EXCESS = statement(
  'rights-excess',
  `SELECT DISTINCT p.privilege || ' ' || c.relname AS act
   FROM pg_class c
   CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS p (privilege)
   JOIN pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND CASE
     WHEN p.privilege = 'UPDATE' THEN has_column_privilege($1::name, c.oid, t.attnum, 'UPDATE')
       AND NOT has_column_privilege($2::name, c.oid, t.attnum, 'UPDATE')
     ELSE has_table_privilege($1::name, c.oid, p.privilege) AND NOT has_table_privilege($2::name, c.oid, p.privilege) END
   ORDER BY 1`,
);

interface Standing {
  readonly super: boolean;
  readonly createRole: boolean;
  readonly owner: boolean;
  readonly ddl: boolean;
  readonly member: boolean;
}

/** @param roles by the application name its process connects under */
export async function readRunningLogins(
  db: Queryable,
  roles: ReadonlyMap<string, DatabaseRole>,
): Promise<RunningLogin[]> {
  return guarded(async () => {
    const running = await query<{ login: string; application: string; role: DatabaseRole }>(db, RUNNING, [
      [...roles.keys()],
      [...roles.values()],
    ]);
    const found: RunningLogin[] = [];
    for (const { login, application, role } of running) {
      found.push({ login, application, excess: await readExcess(db, login, role) });
    }
    return found;
  });
}

async function readExcess(db: Queryable, login: string, role: DatabaseRole): Promise<string[]> {
  const [standing] = await query<Standing & Record<string, unknown>>(db, STANDING, [login, role]);
  if (standing === undefined) return ['nobody knows it any more'];
  if (standing.super) return ['it is a superuser'];
  const acts = await query<{ act: string }>(db, EXCESS, [login, role]);
  return [
    ...(standing.owner ? ['it owns tables'] : []),
    ...(standing.ddl ? ['it may create tables'] : []),
    ...(standing.createRole ? ['it may create roles'] : []),
    ...acts.map((row) => row.act),
    ...(standing.member ? [] : [`it is no member of ${role}`]),
  ];
}
