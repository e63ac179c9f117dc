import { once } from 'node:events';
import fs from 'node:fs';
import { isNativeError } from 'node:util/types';
import { type DriftThresholds, driftThresholds } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { Backtest, type JudgedRow } from '../backtest/backtest.js';
import { ProgressBar, note } from '../output.js';
import { describeVerb } from '../verb.js';
import { addDriftFleet } from './drift-fleet.js';

interface Options {
  readonly timestamp?: string;
  readonly value?: string;
  readonly flow?: string;
  readonly learn: string;
  readonly eventsPerDay: string;
  readonly warn?: string;
  readonly halt?: string;
  readonly afterHalt: string;
  readonly out?: string;
  readonly json?: boolean;
}

const HEAD = 'timestamp,value,score,evidence,verdict\n';

/** `spendgate drift backtest`: what the drift detectors would have said of history. */
export function addDrift(program: Command): void {
  const drift = describeVerb(program.command('drift'), {
    group: 'operate',
    summary: 'run the drift detectors over history, and look at the domain as a whole',
    example: 'spendgate drift backtest history.csv',
  });
  const backtest = drift
    .command('backtest')
    .argument('<file>', 'a table with a header line; cells between commas, semicolons, tabs or blanks')
    .option('--timestamp <column>', 'when; without it a column named timestamp, time, date …')
    .option('--value <column>', 'how much; without it a column named value, amount …, else the last one')
    .option('--flow <column>', 'whose; each flow has its own baseline; without it all rows are one flow')
    .option('--learn <share>', 'leading share of a flow its baseline is learned from, then frozen', '15%')
    .option('--events-per-day <n>', 'of the domain: HALT is 100 times as many, at least 1000000', '0')
    .option('--warn <evidence>', 'WARN at another evidence than 1000')
    .option('--halt <evidence>', 'HALT at another evidence')
    .option('--after-halt <what>', 'restart: judge on under the same baseline; stay: halted to the end', 'restart')
    .option('--out <file>', 'write there instead of standard output')
    .option('--json', 'JSON Lines instead of CSV, and the summary as one JSON object')
    .action(runBacktest);
  describeVerb(backtest, {
    group: 'operate',
    summary: 'what the detectors say of each row: CSV timestamp,value,score,evidence,verdict; a summary on stderr',
    example:
      'spendgate drift backtest purchases.csv --timestamp date --value amount --flow customer --out verdicts.csv',
  });
  addDriftFleet(drift);
}

async function runBacktest(file: string, options: Options): Promise<void> {
  const { timestamp, value, flow, out, json = false } = options;
  const backtest = new Backtest({
    file,
    columns: { ...(timestamp && { timestamp }), ...(value && { value }), ...(flow && { flow }) },
    learn: readShare(options.learn),
    thresholds: readThresholds(options),
    afterHalt: readAfterHalt(options.afterHalt),
  });
  const isFile = out !== undefined;
  const sink = isFile ? fs.createWriteStream(out) : process.stdout;
  const failed = new Promise<never>((_, reject) => sink.once('error', reject));
  failed.catch(() => undefined); // awaited below, where it is told from a closed pipe
  const write = async (text: string): Promise<void> => {
    if (text !== '' && !sink.write(text)) await Promise.race([once(sink, 'drain'), failed]);
  };
  let bar: ProgressBar | undefined;
  try {
    let head = json ? '' : HEAD;
    const rows = backtest.run((done, total) => (bar ??= new ProgressBar('backtest', total)).update(done));
    for await (const judged of rows) {
      await write(head + judged.map(json ? jsonLine : csvLine).join(''));
      head = '';
    }
    if (isFile) await Promise.race([new Promise<void>((resolve) => sink.end(resolve)), failed]);
  } catch (error) {
    if (!(isNativeError(error) && 'code' in error && error.code === 'EPIPE')) throw error; // the reader has seen enough
    return;
  }
  bar?.finish();
  note(json ? JSON.stringify(backtest.summary) : describe(backtest.summary));
}

function describe(summary: Backtest['summary']): string {
  const { rows, missing, learned, flows, pooled, warn, halt, first_halt: first } = summary;
  const of = `${rows} rows of ${flows} flows: ${learned} learned from, ${missing} without a value`;
  const shared = pooled === 0 ? '' : `; ${pooled} flows too short for a baseline of their own`;
  return `${of}${shared}; ${warn} warn, ${halt} halt${first === null ? '' : `, first at ${first}`}`;
}

function csvLine({ row, score, evidence, verdict }: JudgedRow): string {
  return `${quoted(row.timestamp)},${quoted(row.value)},${short(score)},${short(evidence)},${verdict}\n`;
}

function jsonLine({ row, score, evidence, verdict }: JudgedRow): string {
  const { timestamp, value } = row;
  return `${JSON.stringify({ timestamp, value, score: short(score), evidence: short(evidence), verdict })}\n`;
}

/** RFC 4180 §2.6. */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function short(value: number): number {
  return Number(value.toPrecision(6));
}

/** "15%", or a fraction: 0.15. */
function readShare(text: string): number {
  const share = /^\d{1,2}(\.\d+)?%$/.test(text)
    ? Number(text.slice(0, -1)) / 100
    : /^0?\.\d+$/.test(text)
      ? Number(text)
      : 0;
  if (!(share > 0)) throw new StartError('--learn is a share of the rows: 15% or 0.15');
  return share;
}

function readThresholds({ eventsPerDay, warn, halt }: Options): DriftThresholds {
  const stated = driftThresholds(readEvidence(eventsPerDay, '--events-per-day', 0));
  return {
    warn: warn === undefined ? stated.warn : readEvidence(warn, '--warn', 1),
    halt: halt === undefined ? stated.halt : readEvidence(halt, '--halt', 1),
  };
}

function readEvidence(text: string, name: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  const most = name === '--events-per-day' ? 10_000_000 : 1_000_000_000;
  if (value < least || value > most) throw new StartError(`${name} is a whole number from ${least} to ${most}`);
  return value;
}

function readAfterHalt(text: string): 'restart' | 'stay' {
  if (text !== 'restart' && text !== 'stay') throw new StartError('--after-halt is restart or stay');
  return text;
}
