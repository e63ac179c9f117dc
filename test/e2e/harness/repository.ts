import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The repository's root, found upwards: benchmarks run this code from a build folder, tests from the sources. */
export const ROOT = findRoot(import.meta.dirname);

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'nest-cli.json'))) return folder;
  if (dirname(folder) === folder) throw new Error('not inside the repository');
  return findRoot(dirname(folder));
}
