import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { note, printRows } from '../output.js';
import { FINDINGS } from '../reconcile/compare.js';
import { type Reconciled, compareWithGranted, line, tellGate } from '../reconcile/reconcile.js';
import { COLUMNS } from '../reconcile/read-csv.js';
import { readReport } from '../reconcile/read-report.js';
import { withDatabase } from '../runtime/open-database.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly rail: string;
  readonly keys?: string;
  readonly url?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `spendgate settlements reconcile`: a rail's own report against what was granted on it. */
export function addReconcile(settlements: Command): void {
  const command = settlements
    .command('reconcile')
    .argument('<report>', `CSV (${COLUMNS.join(',')}) or ISO 20022 camt.054 of the paying account`)
    .requiredOption('--rail <id>', 'the registered rail whose report it is; its key signs what is new')
    .option('--keys <dir>', "folder of the rail's private key; default: the demo domain's")
    .option('--url <url>', 'the settlement gate; default: this machine')
    .option('--dry-run', 'compare only: nothing is signed and nothing recorded')
    .option('--json', 'JSON Lines, also what agrees')
    .action(reconcile);
  describeVerb(command, {
    group: 'spend',
    summary: "compare a rail's report with what was granted, and record what it says",
    example: 'spendgate settlements reconcile report.csv --rail bank --dry-run',
    exits: '2 something does not agree',
  });
}

async function reconcile(file: string, { rail, keys, url, dryRun = false, json = false }: Options): Promise<void> {
  const entries = readReport(file); // the whole file is in order, or nothing of it is used
  const signer = dryRun ? null : await new KeyRing(keyFolder(keys)).signerOf(rail, 'rail');
  const { compared, overdue } = await withDatabase((pool) => compareWithGranted(pool, rail, entries));
  const told = signer === null ? compared.map(line) : await tellGate(await clientFor(serviceUrl(url), rail, signer), compared); // prettier-ignore
  const lines = [...told, ...overdue];
  // A table is for what needs eyes: thousands of lines that agree would hide it.
  const shown = json ? lines : lines.filter(({ finding }) => finding !== 'confirmed');
  if (shown.length > 0) printRows(shown.map((each) => ({ ...each })), json); // prettier-ignore
  note(summary(lines) + (dryRun ? '; nothing was recorded' : ''));
  if (lines.some(({ finding }) => !FINDINGS[finding])) process.exitCode = EXIT.denied;
}

function summary(lines: readonly Reconciled[]): string {
  const counts = new Map<string, number>();
  for (const { finding } of lines) counts.set(finding, (counts.get(finding) ?? 0) + 1);
  return [...counts].map(([finding, count]) => `${count} ${finding}`).join(', ') || 'nothing to reconcile';
}
