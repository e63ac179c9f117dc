import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RULES_VERSION } from '@spendgate/core';
import { openDomain, readChangeRequest, readStandingMandates } from '@spendgate/store';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { personFrom } from '../signing-keys.js';
import { actAlone } from './act-alone.js';
import { applyNow, approve, askForChange } from './apply-change.js';
import type { Change } from './change.js';
import { type DifferenceRow, readDifference } from './difference.js';
import { DOMAIN_FILE } from './domain-file.js';
import { type ApplyPlace, prepareChanges } from './prepare-change.js';

const ISSUER = 'https://pay.example';
const TEAM = '0b5e2a1c-0000-4000-8000-000000000001';
const CHILD = '0b5e2a1c-0000-4000-8000-000000000002';
const CEDAR = 'permit (principal, action, resource);';

type Input = Parameters<typeof DOMAIN_FILE.parse>[0];
const mandate = (change: object = {}): object => ({
  id: TEAM,
  name: 'team',
  principal: 'acme',
  currency: 'USD',
  total: '100.00',
  ...change,
});
const domain = (change: object = {}): Input => ({
  principals: [{ id: 'acme', name: 'Acme' }],
  people: [
    { id: 'ada', name: 'Ada', roles: ['operator', 'approver'] },
    { id: 'grace', name: 'Grace', roles: ['operator', 'approver'] },
    { id: 'eve', name: 'Eve', roles: ['operator'] },
  ],
  agents: [{ id: 'buyer', name: 'Buyer' }],
  mandates: [mandate()],
  ...change,
});

describe('applying a domain file', () => {
  let database: TestDatabase;
  let place: ApplyPlace;
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-apply-'));
  beforeAll(async () => {
    database = await startTestDatabase();
    await openDomain(database.pool, { issuer: ISSUER, kind: 'own', rulesVersion: RULES_VERSION });
    const [domainKeys, partyKeys] = [path.join(folder, 'keys'), path.join(folder, 'party-keys')];
    place = { pool: database.pool, issuer: ISSUER, domainKeys, partyKeys, passphrase: undefined, nowMs: Date.now() };
  }, 60_000);
  afterAll(async () => {
    await database.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const prepare = async (input: Input): Promise<Change[]> => {
    const policies = [{ id: 'default', text: CEDAR }];
    return prepareChanges({ file: DOMAIN_FILE.parse(input), policies }, place, false);
  };
  const applyAll = async (input: Input): Promise<DifferenceRow[]> => {
    const rows: DifferenceRow[] = [];
    for (const change of await prepare(input)) rows.push(...(await applyNow(database.pool, change)));
    return rows;
  };
  const counts = (rows: readonly DifferenceRow[]): string[] =>
    rows.map((row) => `${row.what} ${row.change} ${row.count}`);
  const tokensOf = async (): Promise<string[]> =>
    (await database.pool.query<{ token: string }>('SELECT token FROM mandates ORDER BY mandate_id')).rows.map(
      ({ token }) => token,
    );
  const asPerson = (id: string) => personFrom(place.partyKeys, id);
  const askAs = async (id: string, change: Change): Promise<string> =>
    askForChange(database.pool, { change, issuer: ISSUER, person: await asPerson(id), reason: 'more room' });
  const approveAs = async (id: string, person: string): Promise<DifferenceRow[]> => {
    const request = await readChangeRequest(database.pool, id);
    if (request === undefined) throw new Error('no such request');
    return approve(database.pool, { request, issuer: ISSUER, person: await asPerson(person) });
  };
  const totalOf = async (): Promise<string> => {
    const [standing] = await readStandingMandates(database.pool, [TEAM]);
    return (JSON.parse(standing?.claims ?? '{}') as { limits: { total: string } }).limits.total; // as: our own column
  };
  const wider = (total: string): Input => domain({ mandates: [mandate({ total })] });
  const changeTo = async (total: string): Promise<Change> => {
    const [change] = await prepare(wider(total));
    if (change === undefined) throw new Error('nothing to change');
    return change;
  };

  it('more mandates than one change takes are refused before anything is signed, with what to do', async () => {
    const mandates = Array.from({ length: 20_001 }, (_, n) =>
      mandate({ id: `0b5e2a1c-0000-4000-8000-${String(n + 100_000_000_000)}` }),
    );
    await expect(prepare(domain({ mandates }))).rejects.toThrow(
      '20001 mandates are new or changed, and one apply takes at most 20000, because this domain decides nothing while ' +
        'it is applied: apply the file in parts, parents first; what is recorded already does not count',
    );
  });

  it('makes it real in one act and says what changed', async () => {
    expect(counts(await applyAll(domain()))).toEqual([
      'principal registered 1',
      'person registered 3',
      'agent registered 1',
      'key added 5',
      'policy activated 1',
      'mandate registered 1',
    ]);
  });

  it('applied again, changes nothing, not one signature', async () => {
    const before = await tokensOf();
    expect(await applyAll(domain())).toEqual([]);
    expect(await tokensOf()).toEqual(before);
  });

  it('refuses a mandate wider than its parent, and applies nothing of the file', async () => {
    const child = mandate({ id: CHILD, name: 'child', parent: TEAM, agent: 'buyer', total: '100.01' });
    const input = domain({ agents: [{ id: 'second', name: 'Second' }], mandates: [mandate(), child] });
    await expect(applyAll(input)).rejects.toThrow(`mandate ${CHILD}: scope_escalation`);
    const { rows } = await database.pool.query("SELECT 1 FROM parties WHERE party_id = 'second'");
    expect(rows).toEqual([]);
  });

  it('shows a difference without making it', async () => {
    expect(counts(await readDifference(database.pool, await changeTo('120.00')))).toEqual(['mandate amended 1']);
    expect(await totalOf()).toBe('100.00');
  });

  it('refuses a mandate its principal has not signed', async () => {
    const change = await changeTo('120.00');
    if (change.kind !== 'declare') throw new Error('a file declares');
    const forged = change.mandates.map(({ claim, token }) => ({
      token,
      claim: { ...claim, limits: { ...claim.limits, total: '999.00' } },
    }));
    await expect(applyNow(database.pool, { ...change, mandates: forged })).rejects.toThrow(
      'signed for another content',
    );
  });

  describe('once the domain has decided', () => {
    beforeAll(() =>
      database.pool.query(
        `INSERT INTO decisions (decision_id, flow_id, intent_id, lane_id, lane_offset, agent_id, body_hash, outcome,
           request, read_set, rules_version, decision_hash, leaf_hash, appended_at, judged_at)
         VALUES ($1, $1, $1, 1, 0, 'buyer', '', 'denied', '', '{}', 1, '', '', now(), now())`,
        [TEAM],
      ),
    );

    it('takes nothing at once any more', async () => {
      await expect(applyNow(database.pool, await changeTo('120.00'))).rejects.toThrow('takes two people');
    });

    it('lets one person ask and another approve, with both signatures in the leaf', async () => {
      const id = await askAs('ada', await changeTo('120.00'));
      expect(await totalOf()).toBe('100.00');
      expect(counts(await approveAs(id, 'grace'))).toEqual(['mandate amended 1']);
      expect(await totalOf()).toBe('120.00');
      const { rows } = await database.pool.query<{ payload: string }>(
        "SELECT payload FROM leaves WHERE payload LIKE '%change_approved%'",
      );
      const [leaf] = rows.map(({ payload }) => JSON.parse(payload) as Record<string, string>); // as: our own payload
      expect([leaf?.['person'], leaf?.['change']]).toEqual(['grace', id]);
      expect(leaf?.['request_token']).not.toBe(leaf?.['approval_token']);
    });

    it('applies an approved change once', async () => {
      const id = await askAs('ada', await changeTo('121.00'));
      await approveAs(id, 'grace');
      await expect(approveAs(id, 'grace')).rejects.toThrow('no such change is waiting');
    });

    it('refuses that a person approves their own request, and applies nothing', async () => {
      const id = await askAs('ada', await changeTo('130.00'));
      await expect(approveAs(id, 'ada')).rejects.toThrow('same_person');
      expect(await totalOf()).toBe('121.00');
    });

    it('refuses an approver without the role, and a person nobody registered', async () => {
      const id = await askAs('ada', await changeTo('130.00'));
      await expect(approveAs(id, 'eve')).rejects.toThrow('approver_not_approver');
      await expect(askAs('acme', await changeTo('130.00'))).rejects.toThrow('key_unknown');
    });

    it('refuses a stored change that was edited behind the signature', async () => {
      const id = await askAs('ada', await changeTo('130.00'));
      await database.pool.query(
        "UPDATE change_requests SET content = replace(content, '130.00', '999.00') WHERE change_id = $1",
        [id],
      );
      await expect(approveAs(id, 'grace')).rejects.toThrow(/nothing was applied/);
      expect(await totalOf()).toBe('121.00');
    });

    it('refuses a change that no longer fits what is there', async () => {
      const [older, newer] = [
        await askAs('ada', await changeTo('140.00')),
        await askAs('ada', await changeTo('150.00')),
      ];
      await approveAs(newer, 'grace');
      await expect(approveAs(older, 'grace')).rejects.toThrow('scope_mismatch (version)');
      expect(await totalOf()).toBe('150.00');
      expect((await readChangeRequest(database.pool, older))?.approvedBy).toBeNull();
    });

    it('lets one operator stop a key at once, and nobody else', async () => {
      const { rows } = await database.pool.query<{ kid: string }>(
        "SELECT kid FROM party_keys WHERE party_id = 'buyer'",
      );
      const ids = [rows[0]?.kid ?? ''];
      const revocation = { action: 'revoke_key', ids, issuer: ISSUER, reason: 'lost' } as const;
      const ada = await asPerson('ada');
      expect(counts(await actAlone(database.pool, { ...revocation, person: ada }))).toEqual(['key removed 1']);
      expect(await actAlone(database.pool, { ...revocation, person: ada })).toEqual([]);
      const person = await personFrom(place.partyKeys, 'acme');
      await expect(actAlone(database.pool, { ...revocation, person })).rejects.toThrow('nothing was done');
    });

    it('ends a mandate for good when the second person has approved', async () => {
      const id = await askAs('eve', { kind: 'revoke', mandates: [TEAM], reason: 'over', by: 'eve' });
      expect(counts(await approveAs(id, 'ada'))).toEqual(['mandate revoked 1']);
      const [standing] = await readStandingMandates(database.pool, [TEAM]);
      expect(standing?.revoked).toBe(true);
    });
  });
});
