import { expect, it } from '@jest/globals';
import { Logger, systemClock } from '@spendgate/platform';
import { until } from '@spendgate/testing';
import { RailCaller } from './rail-caller.js';
import type { ManagedTransfer, RailReport } from './rail-port.js';

const SLOTS = 64;
const logger = Logger.create({ level: 'silent', role: 'spec' });
const transfer = (at: number): ManagedTransfer => ({
  rail: 'bank',
  transferId: `transfer-${at}`,
  direction: 'capture',
  amount: '1.00',
  currency: 'USD',
  counterparty: 'shop',
});

it('F5: asks a rail once for what waits behind its slots, however often the sweep finds it there', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const bank = {
    transfer: ({ transferId }: ManagedTransfer): Promise<RailReport> => {
      asked.push(transferId);
      const failed = { outcome: 'failed', railReference: null, occurredAtMs: 1 } as const;
      return new Promise((resolve) => answers.push(() => resolve(failed)));
    },
  };
  const sink = {
    artifactOf: () => Promise.resolve(undefined),
    submit: () => Promise.reject(new Error('nothing known')),
  };
  const caller = new RailCaller(new Map([['bank', bank]]), sink, systemClock, logger, 60_000);
  const all = Array.from({ length: SLOTS * 2 }, (_, at) => transfer(at));
  caller.call(all);
  caller.call(all); // the sweep, while half of them wait
  await until('all slots to be taken', () => answers.length === SLOTS);
  for (const answer of answers) answer();
  await until('the rest to be asked', () => answers.length === SLOTS * 2);
  for (const answer of answers) answer();
  await caller.idle();
  expect(asked.sort()).toEqual(all.map(({ transferId }) => transferId).sort());
});
