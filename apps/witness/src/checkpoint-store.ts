import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { isNativeError } from 'node:util/types';
import { type TreeHead, parseCheckpoint } from '@spendgate/audit-log';
import { StartError } from '@spendgate/platform';

/**
 * What a witness remembers: for each log the checkpoint it cosigned last, one file each, flushed before it is answered.
 * Synchronous, so that looking and writing cannot interleave in one process.
 */
export class CheckpointStore {
  private readonly known = new Map<string, TreeHead>();

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** @throws {StartError} the file is there and is no checkpoint of this log: it must not be taken for a first one */
  last(origin: string): TreeHead | undefined {
    const known = this.known.get(origin);
    if (known !== undefined) return known;
    const file = this.fileOf(origin);
    const text = readIfPresent(file);
    if (text === undefined) return undefined;
    const read = parseCheckpoint(text);
    if (read?.origin !== origin) throw new StartError(`${file} is no checkpoint of ${origin}: restore it`);
    this.known.set(origin, read);
    return read;
  }

  /** Durable when it returns. @param text of the checkpoint, without signatures */
  write(origin: string, head: TreeHead, text: string): void {
    const file = this.fileOf(origin);
    const handle = openSync(`${file}.new`, 'w', 0o600);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(`${file}.new`, file);
    const folder = openSync(this.folder, 'r');
    try {
      fsyncSync(folder); // the name too
    } finally {
      closeSync(folder);
    }
    this.known.set(origin, head);
  }

  /** An origin may hold anything a key name may. */
  private fileOf(origin: string): string {
    return path.join(this.folder, `${createHash('sha256').update(origin).digest('hex')}.checkpoint`);
  }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isNativeError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
