import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../start-error.js';
import { DATABASE, SUPERUSER } from './folder.js';

/**
 * The URL of the embedded database another process of this user runs on a folder, for verbs that look into it
 * (`replay`, `doctor`). A secret. `undefined` when none runs there.
 *
 * Port and socket folder are lines 4 and 5 of postmaster.pid (PostgreSQL source, miscadmin.h).
 *
 * @throws {StartError} the folder belongs to another user
 */
export function runningPostgresUrl(folder: string): string | undefined {
  const root = path.resolve(folder);
  const file = path.join(root, 'data', 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  try {
    const [, , , port, sockets] = readFileSync(file, 'utf8').split('\n');
    const password = readFileSync(path.join(root, 'password'), 'utf8').trim();
    if (port === undefined || sockets === undefined) return undefined;
    const host = encodeURIComponent(sockets.trim());
    return `postgresql://${SUPERUSER}:${password}@localhost:${port.trim()}/${DATABASE}?host=${host}`;
  } catch (cause) {
    throw new StartError(`${root} cannot be read: run this as the user that runs spendgate`, { cause });
  }
}
