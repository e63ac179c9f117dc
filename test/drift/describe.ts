import type { DriftThresholds } from '@spendgate/core';
import type { NullRun } from './null-fleet.js';
import type { PurchasesResult } from './purchases.js';
import { type AttackResult, usualDayMoney } from './run-attacks.js';
import { USUAL_DAY } from './usual-flow.js';

export interface Results {
  readonly thresholds: DriftThresholds;
  readonly fleets: readonly NullRun[];
  readonly learned: readonly AttackResult[];
  readonly declared: readonly AttackResult[];
  readonly purchases: PurchasesResult;
}

/** Events until HALT in the middle of all attacks; one that was not found is later than every other. */
export function medianEvents(results: readonly AttackResult[]): number {
  return results.map(({ events }) => events ?? Infinity).sort((a, b) => a - b)[results.length >> 1] ?? Infinity;
}

/** docs/drift-attacks.md, never typed by hand. */
export function describeAll(results: Results): string {
  return [
    '# What the drift detectors find, and what they say of flows without drift',
    '',
    'Written by `npm run drift:sim -- --write` from `test/drift`; every number is a result of that run.',
    '',
    ...withoutDrift(results),
    '',
    ...attacks(results),
    '',
  ].join('\n');
}

function withoutDrift({ thresholds, fleets, purchases }: Results): string[] {
  const { customers, learned, replaced } = purchases;
  const rates = (each: PurchasesResult['learned']): string[] => [
    whole(each.flows),
    per(each.warned, each.flows),
    per(each.halted, each.flows),
  ];
  return [
    '## Without drift',
    '',
    'Independent events under the very law of the baseline: the null the bound is stated for.',
    '',
    table(
      ['Evidence', 'Flows', 'Events', 'False alarms', 'Allowed by the bound'],
      fleets.map(({ threshold, flows, events, alarms }) => [
        ...[threshold, flows, events, alarms, events / threshold].map(whole),
      ]),
    ),
    '',
    `On ${whole(purchases.purchases)} real purchases (CDNOW), WARN at ${whole(thresholds.warn)}, HALT at ${whole(thresholds.halt)}:`,
    '',
    table(
      ['Flows', 'Baseline', 'Number', 'WARN per 10,000', 'HALT per 10,000'],
      [
        ['one customer each', 'declared', ...rates(customers)],
        ['many customers who spend alike', 'learned from the first half', ...rates(learned)],
      ],
    ),
    '',
    'Customers of a shop are not one agent: the pace of a whole group falls over the year and a half, and a baseline learned',
    'from its first half says so. Who has no steady law declares a profile instead of learning one.',
    '',
    `The second half of each learned flow replaced by another's: ${replaced.found} of ${replaced.flows} halted, the median after ` +
      `${replaced.medianEvents ?? '–'} purchases.`,
  ];
}

function attacks({ thresholds, learned, declared }: Results): string[] {
  const eventsOf = ({ events }: AttackResult): string => (events === null ? 'not found' : whole(events));
  return [
    '## Attacks',
    '',
    `A flow of ${USUAL_DAY} intents and ${usualDayMoney().toFixed(2)} a day, HALT at ${whole(thresholds.halt)}. The baseline is learned from 30 days; beside it what`,
    'its declared profile alone would find. Money is what was authorized before the event that halted, which is itself refused.',
    `Median: ${medianEvents(learned)} events learned, ${medianEvents(declared)} declared.`,
    '',
    table(
      ['Attack', 'What it does', 'Events', 'Money', 'Stream', 'Declared alone: events'],
      learned.map((result, at) => {
        const alone = declared[at];
        const { name, does, money, stream } = result;
        return [name, does, eventsOf(result), money.toFixed(2), stream, alone === undefined ? '' : eventsOf(alone)];
      }),
    ),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) => Math.max(3, cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** 1234567 as 1,234,567. */
function whole(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

function per(count: number, of: number): string {
  return ((count / of) * 10_000).toFixed(1);
}
