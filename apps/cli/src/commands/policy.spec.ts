import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, createAuthorizerParts } from '@spendgate/authorizer';
import { TOPICS } from '@spendgate/messaging';
import { DEFAULT_POLICY, DEFAULT_SCHEMA, PolicySet } from '@spendgate/policy';
import {
  TEST_ISSUER,
  type TestRuntime,
  batchOf,
  captureRun,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  signIntent,
} from '@spendgate/testing';
import { readPolicyReach } from '../apply/policy-reach.js';
import { run } from '../index.js';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../../examples/policies');
const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-policy-'));
const inFolder = (name: string, files: Readonly<Record<string, string>>): string => {
  const into = path.join(folder, name);
  fs.mkdirSync(into);
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(into, file), text);
  return into;
};
const verb = (...words: string[]) => captureRun(run, ['policy', ...words]);
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const PERMIT = '@id("all") permit (principal, action == Action::"spend", resource);';
const CASE = `{ name: small, spend: { agent: a, counterparty: c, amount: '1.00', currency: USD }, expect: deny }`;

describe('spendgate policy test', () => {
  it('the example passes its own cases', async () => {
    const { exitCode, stdout, stderr } = await verb('test', EXAMPLES, '--json');
    expect([exitCode, stderr.trim()]).toEqual([0, '6 passed, 0 failed']);
    expect(stdout.trim().split('\n')).toHaveLength(6);
  });

  it('a case that comes out differently is named, with exit code 2', async () => {
    const dir = inFolder('failing', { 'own.cedar': PERMIT, 'own.test.yaml': `cases: [${CASE}]` });
    const { exitCode, stdout } = await verb('test', dir, '--json');
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      2,
      { result: 'FAILED', policy: 'own', name: 'small', expected: 'deny', got: 'allow' },
    ]);
  });

  it.each([
    ['no policy', {}, 'holds no policy'],
    ['a policy without cases', { 'own.cedar': PERMIT }, 'policy "own" has no test'],
    ['a text that is no policy', { 'own.cedar': 'permit (' }, 'own.cedar does not load:'],
    ['an attribute the schema has not', { 'own.cedar': `${PERMIT.slice(0, -1)} when { context.mood == "good" };` }, 'does not load:'],
    ['cases that are none', { 'own.cedar': PERMIT, 'own.test.yaml': 'cases: [{ name: x }]' }, 'cases.0.spend'],
  ])('cannot run on %s', async (name, files, message) => {
    const { exitCode, stderr } = await verb('test', inFolder(name, files));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
  }); // prettier-ignore
});

describe('policies on what was decided', () => {
  let world: TestRuntime;
  const environment = process.env;

  beforeAll(async () => {
    world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
    await world.domain.mandates([
      mandateClaim('main', { limits: { currency: 'USD', total: '10.00', per_transaction: null } }),
    ]);
    const authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime));
    const values = await Promise.all(['6.00', '5.00', '3.00'].map((value, at) => sign(`spend-${at}`, value)));
    await authorize.execute(batchOf(await world.lane(TOPICS.paymentIntents), values));
    process.env = { ...environment, SPENDGATE_ISSUER: TEST_ISSUER, SPENDGATE_DATABASE_URL: world.database.url };
  }, 60_000);
  afterAll(async () => {
    process.env = environment;
    await world.close();
  });
  const sign = (jti: string, value: string) =>
    signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now(), { amount: { value, currency: 'USD' } }));
  const small = `${PERMIT.slice(0, -1)} when { context.amount_minor <= 500 };`;

  it('D2: backtest of the policy in force changes nothing', async () => {
    const dir = inFolder('same', { 'default.cedar': DEFAULT_POLICY.policyText });
    const { exitCode, stdout } = await verb('backtest', '--policy', dir, '--json');
    const sums = { authorized_then: { USD: '9' }, authorized_now: { USD: '9' } };
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { checked: 3, changed: 0, not_recomputable: 0, ...sums }]);
  });

  it('what a stricter policy denies leaves room for what the record denied', async () => {
    const dir = inFolder('small', { 'default.cedar': small });
    const { stdout } = await verb('backtest', '--policy', dir, '--json');
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    expect(lines.map(({ amount, then, now }) => [amount, then, now])).toEqual([
      ['6.00', 'authorized', 'denied policy_denied'],
      ['5.00', 'denied budget_exceeded', 'authorized'],
      [undefined, undefined, undefined],
    ]);
    expect(lines[2]).toMatchObject({ checked: 3, changed: 2, authorized_then: { USD: '9' }, authorized_now: { USD: '8' } }); // prettier-ignore
  });

  it('a policy no mandate is under has no say', async () => {
    const { stdout } = await verb('backtest', '--policy', inFolder('other', { 'other.cedar': small }), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ checked: 3, changed: 0 });
  });

  it('the preview of an activation counts the live artifacts and the money it stops, and no others', async () => {
    const declared = (policyText: string) => {
      const source = { policyId: 'default', schemaText: DEFAULT_SCHEMA, policyText };
      return [{ ...source, setHash: PolicySet.load({ ...source, version: 1 }).setHash }];
    };
    const { pool } = world.database;
    expect(await readPolicyReach(pool, declared(small))).toEqual([
      { policy: 'default', currency: 'USD', live: 2, affected: 2, amount: '9' },
    ]);
    const unrelated = `${DEFAULT_POLICY.policyText}\nforbid (principal == Agent::"somebody-else", action, resource);`;
    expect(await readPolicyReach(pool, declared(unrelated))).toEqual([
      { policy: 'default', currency: 'USD', live: 2, affected: 0, amount: '0' },
    ]);
  });
});
