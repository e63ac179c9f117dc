import { accessSync, constants, existsSync } from 'node:fs';
import { ALL_DOMAIN_PURPOSES, DomainKeys } from '@spendgate/artifact';
import { dataFolders } from '../runtime/data-folders.js';
import type { ProcessSettings } from '../runtime/read-process-settings.js';
import { serviceUrl } from '../service.js';
import { type Finding, look, met, notAsked, unmet } from './finding.js';
import { readTreeMemory } from './process-memory.js';

const NODE_MIN = [20, 19] as const;
const READY_TIMEOUT_MS = 5_000;
const MEGABYTE = 1024 * 1024;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  const needed = NODE_MIN.join('.');
  return isNew
    ? met('node', version)
    : unmet('node', `${version}, needed is ${needed}`, `install Node.js ${needed} or newer`);
}

export function checkDataFolder(data: string): Finding {
  if (!existsSync(data)) return unmet('data folder', `${data} does not exist`, 'spendgate up');
  try {
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
    return met('data folder', data);
  } catch {
    return unmet('data folder', `${data} cannot be written by this user`, 'run this as the user that runs spendgate');
  }
}

/** Opens every purpose's key file, as the roles together would. */
export function checkKeys(settings: ProcessSettings, issuer: string): Promise<Finding> {
  return look(
    'keys',
    'spendgate apply FILE.yaml makes them for a new domain; else restore the key folder',
    async () => {
      const folder = dataFolders(settings.SPENDGATE_DATA).domainKeys;
      const passphrase = settings.SPENDGATE_KEY_PASSPHRASE;
      await DomainKeys.open(folder, { issuer, purposes: ALL_DOMAIN_PURPOSES, passphrase });
      return met('keys', `${ALL_DOMAIN_PURPOSES.length} purposes in ${folder}`);
    },
  );
}

interface Readiness {
  readonly checks?: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];
}

/** Whether the service says of itself that it can decide. */
export async function checkService(): Promise<Finding> {
  const url = new URL('/readyz', serviceUrl(undefined)).href;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    if (response.status === 200) return met('service', `${url} answers 200`);
    const report = (await response.json()) as Readiness; // as: only shown
    const failing = (report.checks ?? [])
      .filter(({ ok }) => !ok)
      .map(({ name, detail }) => `${name}: ${detail ?? 'no'}`);
    return unmet('service', `${url} answers ${response.status}; ${failing.join('; ')}`, 'mend what it names');
  } catch {
    return unmet('service', `nothing answers at ${url}`, 'spendgate up, or spendgate serve ROLE');
  }
}

export function describeMemory(data: string): Finding {
  const memory = readTreeMemory(data);
  if (memory === undefined) return notAsked('memory', 'no `up` runs on this data folder');
  const { pid, processes, rssBytes, pssBytes } = memory;
  const once = pssBytes === undefined ? '' : `, ${Math.round(pssBytes / MEGABYTE)} MB with shared pages counted once,`;
  return met('memory', `${Math.round(rssBytes / MEGABYTE)} MB resident${once} in ${processes} processes of ${pid}`);
}
