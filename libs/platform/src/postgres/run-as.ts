import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../start-error.js';

/** How PostgreSQL's programs are started: PostgreSQL refuses to run as root. */
export interface RunAs {
  /** Absent: this process's own user. */
  readonly uid?: number;
  readonly gid?: number;
  /** Put before the command line; empty in the usual case. */
  readonly prefix: readonly string[];
}

/** The traditional ids of `nobody`, for images without a user table. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const SETPRIV = '/usr/bin/setpriv';

/**
 * Picks the user PostgreSQL runs as. Not root: this user. Root: the user `postgres`, else nobody.
 *
 * When root starts from a folder only root may enter (`/root/…`), that user could reach neither the programs nor the
 * data. It then keeps one right, to pass through folders (CAP_DAC_READ_SEARCH), given by util-linux's setpriv.
 *
 * @param paths what the user must be able to reach
 * @throws {StartError} when a path cannot be reached and setpriv is missing
 */
export function chooseRunAs(paths: readonly string[]): RunAs {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const user = readUser('postgres') ?? NOBODY;
  const closed = paths.map((each) => firstClosedFolder(each, user.uid)).find((each) => each !== undefined);
  if (closed === undefined) return { ...user, prefix: [] };
  if (!existsSync(SETPRIV)) {
    throw new StartError(
      `PostgreSQL cannot run as root, and user ${user.uid} may not enter ${closed}. ` +
        'Use another --data folder, or start Spendgate as an ordinary user.',
    );
  }
  const caps = '+dac_read_search';
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  return { ...user, prefix: [SETPRIV, ...ids, `--inh-caps=${caps}`, `--ambient-caps=${caps}`, '--'] };
}

function readUser(name: string): { uid: number; gid: number } | undefined {
  if (!existsSync('/etc/passwd')) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** The first folder on the way to `target` that the user may not pass through; only "others" bits are considered. */
function firstClosedFolder(target: string, uid: number): string | undefined {
  const parents: string[] = [];
  for (let at = path.dirname(path.resolve(target)); parents.at(-1) !== at; at = path.dirname(at)) parents.push(at);
  return parents.reverse().find((folder) => {
    const stat = statSync(folder);
    return stat.uid !== uid && (stat.mode & 0o001) === 0;
  });
}
