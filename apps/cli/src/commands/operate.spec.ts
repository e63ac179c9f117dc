import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, writePartyKey } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, createAuthorizerParts } from '@spendgate/authorizer';
import { TOPICS } from '@spendgate/messaging';
import { acquireLane, inControlAct, readStoppedLanes, recordKeys, recordParties } from '@spendgate/store';
import {
  TEST_ISSUER,
  type TestRuntime,
  batchOf,
  captureRun,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
} from '@spendgate/testing';
import { run } from '../index.js';

const PARTITIONS = 1;

describe('verbs that look into the database', () => {
  let world: TestRuntime;
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-operate-'));
  const keys = path.join(folder, 'party-keys');
  const environment = process.env;
  const settings = {
    SPENDGATE_ISSUER: TEST_ISSUER,
    SPENDGATE_DATA: folder,
    SPENDGATE_PORT: '1', // nothing answers there
    SPENDGATE_TOPIC_PARTITIONS: String(PARTITIONS),
  };

  beforeAll(async () => {
    world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, partitions: PARTITIONS });
    await world.domain.mandates([
      mandateClaim('main', { limits: { currency: 'USD', total: '30.00', per_transaction: null } }),
      mandateClaim('asks', { approvals: { above: '10.00' } }),
    ]);
    const authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime));
    const tokens = ['one', 'two', 'three'].map((jti) =>
      signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now())),
    );
    const lane = await world.lane(TOPICS.paymentIntents);
    await authorize.execute(batchOf(lane, await Promise.all(tokens)));
    await enrol('ada');
    process.env = { ...environment, ...settings, SPENDGATE_DATABASE_URL: world.database.url };
  }, 60_000);
  afterAll(async () => {
    process.env = environment;
    await world.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** An operator whose key is in the key folder. */
  async function enrol(id: string): Promise<void> {
    const signer = PrivateKeySigner.generate('person');
    await writePartyKey(keys, id, signer);
    await inControlAct(world.runtime.pool, async (act) => {
      await recordParties(act, [{ kind: 'person', id, name: id, body: { roles: ['operator'] } }]);
      await recordKeys(act, [{ kid: signer.kid, alg: signer.alg, jwk: signer.jwk, kind: 'person', partyId: id }]);
    });
  }

  /** An intent that waits for a person. */
  async function park(): Promise<{ intent: string; decision: string }> {
    const claims = intentClaims('waits', Date.now(), { mandate: namedId('asks') });
    const authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime));
    const token = await signIntent(world.domain.agent('buyer'), claims);
    await authorize.execute(batchOf(await world.lane(TOPICS.paymentIntents), [token], { firstOffset: 3n }));
    const { rows } = await world.runtime.pool.query<{ intent: string; decision: string }>(
      'SELECT intent_id AS intent, decision_id AS decision FROM parked_intents',
    );
    const [row] = rows;
    if (row === undefined) throw new Error('nothing waits');
    return row;
  }

  const lines = (text: string): unknown[] =>
    text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));

  it('count decisions by outcome and code', async () => {
    const { stdout } = await captureRun(run, ['decisions', 'count', '--json']);
    expect(lines(stdout)).toEqual([
      { outcome: 'authorized', code: null, count: 2 },
      { outcome: 'denied', code: 'budget_exceeded', count: 1 },
    ]);
  });

  it('list decisions, narrowed by code, and show one with all it was decided on', async () => {
    const { stdout } = await captureRun(run, ['decisions', 'list', '--code', 'budget_exceeded', '--json']);
    const [line] = lines(stdout) as { decision_id: string }[]; // as: the contract under test
    expect(line).toMatchObject({ agent: 'buyer', mandate: namedId('main'), counterparty: 'shop' });
    const shown = await captureRun(run, ['decisions', 'show', line?.decision_id ?? '', '--json']);
    expect(lines(shown.stdout)).toEqual([
      expect.objectContaining({ code: 'budget_exceeded', read_set: expect.objectContaining({ rules_version: 1 }) }),
    ]);
  });

  it('list incidents by what they are, and give them as a table that no name in it can turn into a formula', async () => {
    await world.domain.mandates([mandateClaim('stops'), mandateClaim('late')]);
    for (const name of ['stops', 'late']) {
      const target = ['flow', namedId(name), '--as', 'ada', '--reason', 'spec'];
      expect((await captureRun(run, ['halt', ...target])).exitCode).toBe(0);
    }
    const changed = await world.database.pool.query(
      `UPDATE incidents SET due_at = now() - interval '1 s', assigned_to = '=1+1' WHERE flow_id = $1`,
      [namedId('late')],
    );
    expect(changed.rowCount).toBe(1);
    const flowsOf = async (...filter: string[]): Promise<unknown[]> => {
      const { stdout } = await captureRun(run, ['incidents', 'list', '--json', ...filter]);
      return stdout === '' ? [] : lines(stdout).map((line) => (line as { flow: string }).flow); // as: the contract
    };
    expect((await flowsOf()).sort()).toEqual([namedId('stops'), namedId('late')].sort());
    expect(await flowsOf('--overdue')).toEqual([namedId('late')]);
    expect(await flowsOf('--assigned-to', '=1+1', '--cause', 'operator')).toEqual([namedId('late')]);
    expect(await flowsOf('--state', 'recovering')).toEqual([]);
    const csv = (await captureRun(run, ['incidents', 'list', '--overdue', '--csv'])).stdout.trim().split('\n');
    expect(csv).toHaveLength(2);
    expect(csv[0]).toMatch(/^incident,flow,agent,state,rule,case,assigned_to,opened_at,due_at,overdue,open_causes$/);
    expect(csv[1]).toContain(",'=1+1,");
    const { stdout } = await captureRun(run, ['incidents', 'cases', '--json']);
    expect(lines(stdout)).toEqual([expect.objectContaining({ rule: 'operator.halt', incidents: 2, open: 2 })]);
    expect((await captureRun(run, ['incidents', 'list', '--state', 'gone'])).exitCode).toBe(1);
  });

  it('list what waits for a person, and refuse to sign for what does not', async () => {
    const { intent, decision } = await park();
    const { stdout } = await captureRun(run, ['decisions', 'parked', '--json']);
    expect(lines(stdout)).toEqual([
      expect.objectContaining({ intent, mandate: namedId('asks'), code: 'approval_required', amount: '12.5' }),
    ]);
    const approve = (...args: string[]) => captureRun(run, ['decisions', 'approve', ...args, '--keys', keys]);
    const answers = [
      await approve(intent, '--as', 'ada'),
      await approve(intent, '--as', 'nobody'),
      await approve(namedId('none'), '--as', 'ada'),
      await approve('none', '--as', 'ada'),
    ];
    expect(answers.map(({ exitCode }) => exitCode)).toEqual([1, 1, 1, 1]);
    expect(answers.map(({ stderr }) => stderr)).toEqual([
      expect.stringContaining('nothing answers at'),
      expect.stringContaining('name the folder with --keys'),
      expect.stringContaining('there is no intent'),
      expect.stringContaining('is no intent id'),
    ]);
    await world.runtime.pool.query('DELETE FROM parked_intents');
    const ended = await approve(intent, '--as', 'ada');
    expect([ended.exitCode, ended.stderr]).toEqual([1, expect.stringContaining(`decisions show ${decision}`)]);
    await world.runtime.pool.query('DELETE FROM decisions WHERE decision_id = $1', [decision]);
  });

  it('show each level of a mandate with what is left', async () => {
    const { stdout } = await captureRun(run, ['mandates', 'show', namedId('main'), '--json']);
    expect(lines(stdout)).toEqual([
      expect.objectContaining({ limit: '30', available: '5', held: '25', captured: '0' }),
    ]);
  });

  it('list agents with their keys', async () => {
    const { stdout } = await captureRun(run, ['agents', 'list', '--json']);
    const { kid } = world.domain.agent('buyer');
    expect(lines(stdout)).toEqual([{ id: 'buyer', name: 'buyer', state: 'active', kids: [kid] }]);
  });

  it('D2: replay finds 0 differences in what was decided, and exits with 0', async () => {
    const { stdout, exitCode } = await captureRun(run, ['replay', '--json']);
    expect([exitCode, stdout]).toEqual([0, '{"checked":3,"differences":0}\n']);
  });

  it('D2: replay exits with 2 and names a decision that was edited in the database', async () => {
    const { pool } = world.runtime;
    await pool.query("UPDATE decisions SET outcome = 'denied', code = 'policy_denied' WHERE lane_offset = 0");
    const { stdout, exitCode } = await captureRun(run, ['replay', '--json']);
    await pool.query("UPDATE decisions SET outcome = 'authorized', code = NULL WHERE lane_offset = 0");
    expect([exitCode, lines(stdout).at(-1)]).toEqual([2, { checked: 3, differences: 1 }]);
    expect(lines(stdout)[0]).toMatchObject({ kind: 'decision', problem: expect.stringContaining('policy_denied') });
  });

  it('doctor names what is unmet, each with its command, and exits with 2', async () => {
    const { stdout, exitCode } = await captureRun(run, ['doctor', '--json']);
    const findings = lines(stdout) as { name: string; ok: boolean | null; mend: string | null }[]; // as: the contract
    expect(exitCode).toBe(2);
    expect(findings.filter(({ ok }) => ok === true).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'data folder', 'database', 'schema', 'lanes', 'topics', 'lag']),
    );
    const bad = findings.filter(({ ok }) => ok === false);
    expect(bad.map(({ name }) => name)).toEqual(expect.arrayContaining(['keys', 'service']));
    expect(bad.every(({ mend }) => mend !== null && mend.length > 0)).toBe(true);
  });

  it('doctor lets a stopped lane go on with the log as it is, on an operator’s signature', async () => {
    const { pool } = world.runtime;
    const other = { clusterId: 'another log', partitions: PARTITIONS, firstOffset: 0n, endOffset: 0n };
    await expect(acquireLane(pool, 'payment-intents.v1/0', other)).rejects.toThrow(
      '--accept-lane payment-intents.v1/0',
    );
    const stopped = await captureRun(run, ['doctor', '--json']);
    expect(stopped.stdout).toContain('spendgate doctor --accept-lane payment-intents.v1/0 --as PERSON');
    const args = ['doctor', '--accept-lane', 'payment-intents.v1/0', '--as', 'ada', '--keys', keys];
    const { stderr, exitCode } = await captureRun(run, args);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('goes on with log')]);
    expect(await readStoppedLanes(pool)).toEqual([]);
  });

  it('revoke an artifact at once; a second time there is nothing to revoke', async () => {
    const { rows } = await world.runtime.pool.query<{ id: string }>('SELECT artifact_id AS id FROM artifacts LIMIT 1');
    const args = [
      'revoke',
      'artifact',
      rows[0]?.id ?? '',
      '--as',
      'ada',
      '--reason',
      'a test',
      '--keys',
      keys,
      '--json',
    ];
    const first = await captureRun(run, args);
    expect([first.exitCode, JSON.parse(first.stdout)]).toEqual([0, expect.objectContaining({ applied: true })]);
    expect((await captureRun(run, args)).exitCode).toBe(2);
  });
});

describe('a verb without a database', () => {
  it('makes none: it says how to start, or how to name it', async () => {
    const environment = process.env;
    const nowhere = path.join(tmpdir(), `spendgate-none-${process.pid}`);
    process.env = { ...environment, SPENDGATE_DATA: nowhere };
    const { stderr, exitCode } = await captureRun(run, ['replay']);
    process.env = environment;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Start with `spendgate up`')]);
    expect(fs.existsSync(nowhere)).toBe(false);
  });
});
