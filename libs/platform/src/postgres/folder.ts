import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { StartError } from '../start-error.js';
import type { PostgresBinaries } from './binaries.js';
import { run } from './run.js';
import type { RunAs } from './run-as.js';

/** The major version of the shipped programs; a data folder of another major cannot be opened by them. */
export const POSTGRES_MAJOR = 18;
export const SUPERUSER = 'spendgate';
export const DATABASE = 'spendgate';
const PASSWORD_BYTES = 24;

/** The folder layout: `data/` (PGDATA), `password` (0600), `owner` (who runs it), `server.log`. */
export interface PostgresFolder {
  readonly root: string;
  readonly data: string;
  readonly log: string;
  readonly password: string;
}

/**
 * Makes the folder ready to start from: created once with a random password, kept afterwards.
 *
 * @throws {StartError} when the folder belongs to another PostgreSQL major
 */
export async function prepareFolder(root: string, binaries: PostgresBinaries, as: RunAs): Promise<PostgresFolder> {
  const data = path.join(root, 'data');
  own(root, as);
  removeLeftovers(root);
  const password = readOrCreatePassword(root);
  if (!existsSync(path.join(data, 'PG_VERSION'))) await initialise(root, data, password, binaries, as);
  checkMajor(data);
  return { root, data, log: path.join(root, 'server.log'), password };
}

function own(folder: string, as: RunAs): void {
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
}

/** Initialisation happens beside the final name, so that a crash in the middle leaves no half-made database. */
async function initialise(
  root: string,
  data: string,
  password: string,
  { initdb, postgres }: PostgresBinaries,
  as: RunAs,
): Promise<void> {
  const work = path.join(root, `new-${process.pid}`);
  mkdirSync(work, { mode: 0o700 });
  own(work, as);
  const passwordFile = path.join(work, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  own(passwordFile, as);
  const fresh = path.join(work, 'data');
  const login = [`--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  const form = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  await run(initdb, [`--pgdata=${fresh}`, ...login, ...form, '--data-checksums', '--no-instructions'], {
    as,
    cwd: work,
  });
  const single = ['--single', '-D', fresh, '-c', 'timezone=UTC', 'postgres'];
  await run(postgres, single, { as, cwd: work, input: `CREATE DATABASE ${DATABASE}\n` });
  renameSync(fresh, data);
  rmSync(work, { recursive: true, force: true });
}

function removeLeftovers(root: string): void {
  for (const name of readdirSync(root)) {
    if (/^new-\d+$/.test(name)) rmSync(path.join(root, name), { recursive: true, force: true });
  }
}

/** Kept readable for this user only; PostgreSQL itself stores just the SCRAM verifier (RFC 5802). */
function readOrCreatePassword(root: string): string {
  const file = path.join(root, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(PASSWORD_BYTES).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

function checkMajor(data: string): void {
  const found = readFileSync(path.join(data, 'PG_VERSION'), 'utf8').trim();
  if (Number(found) === POSTGRES_MAJOR) return;
  throw new StartError(
    `${data} was written by PostgreSQL ${found}, this release ships PostgreSQL ${POSTGRES_MAJOR}. ` +
      `Restore a backup made by \`spendgate backup\` into an empty --data folder, or run pg_upgrade.`,
  );
}
