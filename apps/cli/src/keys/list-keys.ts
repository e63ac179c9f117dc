import fs from 'node:fs/promises';
import path from 'node:path';
import { readPartySigner } from '@spendgate/artifact';
import { StartError } from '@spendgate/platform';
import { type KeyLine, listKeys } from '@spendgate/store';
import { note, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { retiredFolder } from './key-folder.js';

/** Key files of one folder beside what the registry says of them. Without a database only the files. */
export async function showKeys(folder: string, limit: number, json: boolean): Promise<void> {
  const files = await readFiles(folder);
  const registered = await readRegistry(limit);
  const known = new Set(registered?.map(({ kid }) => kid));
  const rows = (registered ?? []).map(({ kid, kind, party, state, retiredAtMs, successor }) => {
    const until = retiredAtMs === null ? null : new Date(retiredAtMs).toISOString();
    return { party, kind, kid, state, until, successor, file: files.get(kid)?.file ?? null };
  });
  const others = [...files].filter(([kid]) => !known.has(kid));
  const local = others.map(([kid, { party, file }]) => {
    const state = registered === undefined ? null : 'not registered';
    return { party, kind: null, kid, state, until: null, successor: null, file };
  });
  printRows([...rows, ...local], json);
}

/** @returns undefined where there is no database: on the machine of an agent, for one */
async function readRegistry(limit: number): Promise<KeyLine[] | undefined> {
  try {
    return await withDatabase((pool) => listKeys(pool, limit));
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    note(`only the key files: ${error.message}`);
    return undefined;
  }
}

/** By kid. A file names no purpose; which one it is opened for does not matter, nothing is signed. */
async function readFiles(folder: string): Promise<Map<string, { party: string; file: string }>> {
  const found = new Map<string, { party: string; file: string }>();
  for (const dir of [folder, retiredFolder(folder)]) {
    for (const name of await namesIn(dir)) {
      const party = path.basename(name, '.jwk.json');
      const signer = await readPartySigner(dir, party, 'agent');
      if (signer !== undefined) found.set(signer.kid, { party, file: path.join(dir, name) });
    }
  }
  return found;
}

async function namesIn(dir: string): Promise<string[]> {
  const names = await fs.readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith('.jwk.json')).sort();
}
