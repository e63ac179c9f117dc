import { type KeySet, parseKeySet } from '@spendgate/artifact';
import { logOrigin } from '@spendgate/audit-log';
import { InvariantError } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import { type Pool, inSnapshot, readDomain, readDomainKeys } from '@spendgate/store';
import { verifyDatabase } from '@spendgate/transparency-log';
import { trustedKeys, verifyHead } from '@spendgate/verifier';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { printJson, readInput } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';
import { readKeySet } from '../verify/read-keys.js';

interface Options {
  readonly trust?: string;
  readonly remember?: string;
}

/** `spendgate verify database`: the operator's side of the audit, row by row (A35). */
export function addVerifyDatabase(verify: Command): void {
  const command = verify
    .command('database')
    .option('--trust <jwks>', "the domain's public keys as you know them; without it they are the database's own word")
    .option('--remember <note>', 'file with a checkpoint seen earlier: the log must continue it')
    .option('--json', 'the output is JSON in any case')
    .action(verifyRows);
  describeVerb(command, {
    group: 'verify',
    summary: 'compare every row of the database with what the log commits to',
    example: 'spendgate verify database --trust jwks.json --remember seen.txt && spendgate replay',
    exits: '2 a row, a leaf or the log was altered',
  });
}

async function verifyRows({ trust, remember }: Options): Promise<void> {
  const report = await withDatabase(async (pool) => {
    const domain = await readDomain(pool);
    if (domain === undefined) throw new StartError('the database holds no domain yet');
    const origin = logOrigin(domain.issuer);
    const logKeys = trustedKeys(
      trust === undefined ? await ownWord(pool, domain.issuer) : await readKeySet(trust),
      origin,
    );
    const head = remember === undefined ? null : verifyHead(readInput(remember), () => logKeys);
    if (head?.ok === false) throw new StartError(`${remember}: not a checkpoint of ${origin}: ${head.detail}`);
    return {
      trust: trust === undefined ? 'database' : 'given',
      ...(await inSnapshot(pool, (db) => verifyDatabase(db, { logKeys, remembered: head?.checkpoint ?? null }))),
    };
  });
  printJson(report);
  if (!report.valid) process.exitCode = EXIT.denied;
}

/** The keys the database itself names. */
async function ownWord(pool: Pool, issuer: string): Promise<KeySet> {
  const rows = await readDomainKeys(pool);
  const keys = rows.map(({ jwk, purpose }) => ({ ...jwk, purpose, iss: issuer, use: 'sig' }));
  const parsed = parseKeySet({ keys });
  if (parsed.ok) return parsed.keys;
  throw new InvariantError('ERR_DOMAIN_KEYS', `domain_keys: key ${parsed.index}: ${parsed.problem}`);
}
