import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { MandateClaim } from '@spendgate/codec';
import type { PoolClient } from 'pg';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { type ControlAct, inControlAct } from '../control-lock.js';
import { Registry, RegistryMoved } from '../registry/registry.js';
import { inTransaction } from '../transaction.js';
import { acceptSource } from './accept-lane.js';
import { activatePolicies } from './activate-policies.js';
import { openDomain, readDomain } from './open-domain.js';
import { recordCounterparties } from './record-counterparties.js';
import { readDomainKeys, recordDomainKeys } from './record-domain-keys.js';
import { recordKeys, retireKey, revokeKey } from './record-keys.js';
import { recordMandates } from './record-mandates.js';
import { recordParties } from './record-parties.js';
import { revokeIssuedArtifacts } from './revoke-artifacts.js';
import { revokeMandates } from './revoke-mandates.js';

/** RFC 8037 appendix A: an Ed25519 public key and its thumbprint. */
const JWK = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
const KID = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';
const PARTIES = [
  { kind: 'principal', id: 'acme', name: 'Acme' },
  { kind: 'agent', id: 'buyer', name: 'Buyer' },
] as const;
const PAYEE = { id: 'shop', legalName: 'Shop', category: '5732', settlementServices: ['settler'] };
const POLICY = { policyId: 'default', setHash: 'hash-1', policyText: 'permit(…);', schemaText: '' };
const DAY_SECONDS = 86_400;
let database: TestDatabase;

function act<T>(run: (control: ControlAct) => Promise<T>): Promise<T> {
  return inControlAct(database.pool, run);
}

async function count(sql: string): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`);
  return rows[0]?.n ?? -1;
}

function claim(change: Partial<MandateClaim> = {}): MandateClaim {
  return {
    id: randomUUID(),
    version: 1,
    parent: null,
    principal: 'acme',
    agent: 'buyer',
    limits: { currency: 'USD', total: '1000.00', per_transaction: null },
    counterparties: null,
    validity: { from: 1, until: 100 * 365 * DAY_SECONDS },
    policy: { id: 'default' },
    environment: null,
    approvals: null,
    delegation: null,
    park_seconds: null,
    depth: 0,
    ...change,
  };
}

function child(parent: MandateClaim, change: Partial<MandateClaim> = {}): MandateClaim {
  return claim({ parent: parent.id, depth: parent.depth + 1, ...change });
}

function record(...claims: MandateClaim[]) {
  return act((control) =>
    recordMandates(
      control,
      claims.map((each) => ({ claim: each, token: 'a.b.c' })),
    ),
  );
}

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query(
    `TRUNCATE domain, parties, party_keys, domain_keys, counterparties, policies, mandates, mandate_versions, flows,
       budgets, artifacts, holds, lanes, leaves, outbox`,
  );
  await openDomain(database.pool, { issuer: 'urn:spendgate:test', kind: 'own', rulesVersion: 1 });
  await act(async (control) => {
    await recordParties(control, PARTIES);
    await activatePolicies(control, [POLICY]);
  });
});

describe('declaring who exists', () => {
  it('changes nothing, and writes no leaf, when the same is declared again', async () => {
    const declare = () =>
      act(async (control) => [
        await recordParties(control, PARTIES),
        await recordCounterparties(control, [PAYEE]),
        await recordKeys(control, [{ kid: KID, kind: 'agent', partyId: 'buyer', alg: 'EdDSA', jwk: JWK }]),
        await activatePolicies(control, [POLICY]),
        await recordDomainKeys(control, [{ kid: 'own', purpose: 'artifact', alg: 'EdDSA', jwk: JWK }]),
      ]);
    const first = await declare();
    expect(first.map((each) => each.length)).toEqual([0, 1, 1, 0, 1]);
    const before = [await count('leaves'), await count('outbox'), (await readDomain(database.pool))?.controlEpoch];
    expect((await declare()).map((each) => each.length)).toEqual([0, 0, 0, 0, 0]);
    expect([await count('leaves'), await count('outbox'), (await readDomain(database.pool))?.controlEpoch]).toEqual(
      before,
    );
  });

  it('counts a policy up when its hash changes, and keeps one version active', async () => {
    await act((control) => activatePolicies(control, [{ ...POLICY, setHash: 'hash-2' }]));
    const back = await act((control) => activatePolicies(control, [POLICY]));
    expect(back).toEqual([{ policyId: 'default', version: 3 }]);
    expect(await count('policies WHERE active')).toBe(1);
  });

  it('refuses one key for two parties', async () => {
    const key = { kid: KID, kind: 'agent', partyId: 'buyer', alg: 'EdDSA', jwk: JWK } as const;
    await act((control) => recordKeys(control, [key]));
    const other = { ...key, kind: 'principal', partyId: 'acme' } as const;
    await expect(act((control) => recordKeys(control, [other]))).rejects.toThrow('ERR_KEY_OWNED');
  });

  it('retires the older domain key of a purpose and keeps it in the key set', async () => {
    await act((control) => recordDomainKeys(control, [{ kid: 'old', purpose: 'artifact', alg: 'EdDSA', jwk: JWK }]));
    await act((control) => recordDomainKeys(control, [{ kid: 'new', purpose: 'artifact', alg: 'EdDSA', jwk: JWK }]));
    const keys = await readDomainKeys(database.pool);
    expect(keys.map((key) => [key.kid, key.retiredAtMs === null])).toEqual([
      ['old', false],
      ['new', true],
    ]);
  });

  it('refuses a database of another issuer, and a demo in place of a real domain', async () => {
    const other = { issuer: 'https://pay.example', kind: 'own', rulesVersion: 1 } as const;
    await expect(openDomain(database.pool, other)).rejects.toThrow('urn:spendgate:test');
    const demo = { issuer: 'urn:spendgate:test', kind: 'demo', rulesVersion: 1 } as const;
    await expect(openDomain(database.pool, demo)).rejects.toThrow('own domain');
  });
});

describe('recording mandates', () => {
  it('places each in its tree, opens its flow and its budget, parents before children in whatever order', async () => {
    const root = claim({ agent: null });
    const team = child(root, { agent: null, limits: { currency: 'USD', total: '500.00', per_transaction: null } });
    const agent = child(team, { limits: { currency: 'USD', total: '100.00', per_transaction: '10.00' } });
    const plan = await record(agent, team, root);
    expect([plan.planned.length, plan.refused]).toEqual([3, []]);
    const { rows } = await database.pool.query(
      `SELECT m.depth::int, m.root_id, m.path::text[], f.state, f.sequence, b.held FROM mandates m
       JOIN flows f ON f.flow_id = m.mandate_id JOIN budgets b ON b.mandate_id = m.mandate_id WHERE m.mandate_id = $1`,
      [agent.id],
    );
    expect(rows[0]).toMatchObject({
      depth: 2,
      root_id: root.id,
      path: [root.id, team.id, agent.id],
      state: 'activated',
    });
    expect(rows[0]).toMatchObject({ sequence: 2n });
  });

  it('E12: links the baseline, then authority, then trust as leaves; a mandate that requires attestation waits for it', async () => {
    const attested = claim({ environment: { max_age_seconds: 60, measurements: ['m1'] } });
    await record(attested);
    const { rows } = await database.pool.query<{ state: string }>('SELECT state FROM flows');
    expect(rows).toEqual([{ state: 'authorized' }]);
    const leaves = await database.pool.query<{ type: string; causes: string[]; hash: string }>(
      `SELECT leaf::json->>'type' AS type, leaf::json->'causes' AS causes,
         rtrim(translate(encode(leaf_hash, 'base64'), '+/', '-_'), '=') AS hash
       FROM leaves ORDER BY seq DESC LIMIT 3`,
    );
    const [transition, baseline, mandate] = leaves.rows;
    expect([mandate?.type, baseline?.type, transition?.type]).toEqual([
      'mandate_registered',
      'flow_baseline_set',
      'flow_transition',
    ]);
    expect(baseline?.causes).toEqual([mandate?.hash]);
    expect(transition?.causes).toEqual([baseline?.hash]);
  });

  it('takes 1,000 mandates in a number of statements that does not grow with them', async () => {
    const root = claim({ agent: null });
    const few = await statements(() => record(root, child(root)));
    const many = await statements(() => record(...Array.from({ length: 1_000 }, () => child(root))));
    expect(few).toBeGreaterThan(10);
    expect(many).toBe(few);
    expect(await count('mandates')).toBe(1_002);
  });

  it('is idempotent: the same version again changes nothing', async () => {
    const root = claim();
    await record(root);
    const leaves = await count('leaves');
    expect(await record(root)).toMatchObject({ planned: [], unchanged: [root.id], refused: [] });
    expect(await count('leaves')).toBe(leaves);
  });

  it.each([
    [
      'a child above its parent',
      { limits: { currency: 'USD', total: '1000.01', per_transaction: null } },
      'scope_escalation',
    ],
    ['an unknown parent', { parent: randomUUID() }, 'mandate_unknown'],
    ['an unknown agent', { agent: 'nobody' }, 'agent_unknown'],
    ['a first version that is not 1', { version: 2 }, 'scope_mismatch'],
    ['a depth that is not its own', { depth: 2 }, 'scope_escalation'],
  ])('refuses %s, and writes nothing of it', async (_what, change, code) => {
    const root = claim();
    await record(root);
    const plan = await record(child(root, change));
    expect(plan.refused.map((each) => each.code)).toEqual([code]);
    expect(await count('mandates')).toBe(1);
  });

  it('amends a mandate by its next version, and moves the baseline with it', async () => {
    const first = claim();
    await record(first);
    const second = { ...first, version: 2, limits: { ...first.limits, total: '50.00' } };
    expect((await record(second)).planned).toHaveLength(1);
    expect(await count('mandate_versions')).toBe(2);
    const facts = await new Registry(database.pool).at({ mandates: [first.id] });
    const chain = facts.chain(first.id);
    const [mandate] = typeof chain === 'string' ? [] : chain;
    expect(mandate?.totalLimit.toFixed(2)).toBe('50.00');
    expect(mandate?.supersededHashes).toHaveLength(1);
    const skipped = await record({ ...second, version: 4 });
    expect(skipped.refused).toMatchObject([{ code: 'scope_mismatch', field: 'version' }]);
  });
});

describe('revoking', () => {
  it('I7: ends a mandate with all under it: flows revoked, artifacts dead, held money free at every level', async () => {
    const root = claim({ agent: null });
    const team = child(root, { agent: null });
    const spender = child(team);
    const other = child(root);
    await record(root, team, spender, other);
    const [open, kept] = [await hold([root, team, spender], '10'), await hold([root, other], '4')];
    const revoked = await act((control) =>
      revokeMandates(control, { mandateIds: [team.id], by: 'acme', reason: 'closed' }),
    );
    expect([...revoked.mandates].sort()).toEqual([team.id, spender.id].sort());
    expect(revoked.artifacts).toEqual([open.artifact]);
    const { rows } = await database.pool.query<{ held: string }>(
      'SELECT trim_scale(held)::text AS held FROM budgets ORDER BY array_position($1::uuid[], mandate_id)',
      [[root.id, team.id, spender.id, other.id]],
    );
    expect(rows.map((row) => row.held)).toEqual(['4', '0', '0', '4']);
    expect(await count(`flows WHERE state = 'revoked'`)).toBe(2);
    expect(await count(`artifacts WHERE status = 1`)).toBe(1);
    expect(await count(`holds WHERE NOT ended AND hold_id = '${kept.hold}'`)).toBe(1);
    expect(await record(child(team))).toMatchObject({ refused: [{ code: 'mandate_revoked' }] });
    const again = await act((control) =>
      revokeMandates(control, { mandateIds: [team.id], by: 'acme', reason: 'closed' }),
    );
    expect(again).toEqual({ mandates: [], artifacts: [] });
  });

  it('ends one artifact and frees its hold, leaving the mandate as it is', async () => {
    const root = claim();
    await record(root);
    const { artifact } = await hold([root], '10');
    expect(await act((control) => revokeIssuedArtifacts(control, [artifact], 'asked'))).toEqual([artifact]);
    expect(await act((control) => revokeIssuedArtifacts(control, [artifact], 'asked'))).toEqual([]);
    expect(await count('budgets WHERE held = 0')).toBe(1);
    expect(await count(`flows WHERE state = 'activated'`)).toBe(1);
  });

  it('accepts nothing of a removed key, and shows a retired one with its successor', async () => {
    const key = { kid: KID, kind: 'agent', partyId: 'buyer', alg: 'EdDSA', jwk: JWK } as const;
    await act((control) => recordKeys(control, [key]));
    expect(await act((control) => retireKey(control, KID, control.atMs, 'next'))).toBe(true);
    const retired = (await new Registry(database.pool).at({ kids: [KID] })).key(KID);
    expect([retired?.successorKid, retired?.retiredAtMs !== null]).toEqual(['next', true]);
    expect(await act((control) => revokeKey(control, KID))).toBe(true);
    expect(await act((control) => revokeKey(control, KID))).toBe(false);
    const facts = await new Registry(database.pool).at({ kids: [KID], parties: [{ kind: 'agent', id: 'buyer' }] });
    expect(facts.key(KID)).toMatchObject({ isRemoved: true, retiredAtMs: 0, continuity: 'verified' });
    expect(facts.party('agent', 'buyer')).toMatchObject({ keys: [], continuity: 'verified' });
    await expect(act((control) => recordKeys(control, [key]))).rejects.toThrow('ERR_KEY_REMOVED');
  });

  it('lets a stopped lane run again only from what an operator accepted, and says so in a leaf', async () => {
    await database.pool.query(`INSERT INTO lanes (name, stopped_reason) VALUES ('intents/0', 'another cluster')`);
    const source = { clusterId: 'new', partitions: 8, next: 5n };
    const refused = `INSERT INTO refusals (lane_id, lane_offset, code, digest)
      SELECT lane_id, o, 'malformed', '' FROM lanes, unnest($1::bigint[]) AS o WHERE name = 'intents/0'`;
    await database.pool.query(refused, [[String(source.next - 1n), String(source.next)]]);
    expect(await act((control) => acceptSource(control, 'intents/0', source, 'ada'))).toBe(true);
    // The new log's record at that place has not been refused: its sender must not be told so, nor its refusal collide.
    const left = await database.pool.query<{ lane_offset: bigint }>('SELECT lane_offset FROM refusals');
    expect(left.rows).toEqual([{ lane_offset: source.next - 1n }]);
    expect(await act((control) => acceptSource(control, 'intents/0', source, 'ada'))).toBe(false);
    expect(await count(`leaves WHERE payload::json->>'act' = 'lane_source_accepted'`)).toBe(1);
  });
});

describe('the registry', () => {
  it('gives all facts of one epoch, and asks the database nothing when it has them', async () => {
    const root = claim({ agent: null });
    const spender = child(root);
    await record(root, spender);
    await act(async (control) => {
      await recordCounterparties(control, [PAYEE]);
      await recordKeys(control, [{ kid: KID, kind: 'agent', partyId: 'buyer', alg: 'EdDSA', jwk: JWK }]);
    });
    const registry = new Registry(database.pool);
    const needs = {
      kids: [KID],
      parties: [{ kind: 'agent', id: 'buyer' }],
      counterparties: ['shop'],
      mandates: [spender.id],
    } as const;
    const facts = await registry.at(needs);
    const chain = facts.chain(spender.id);
    expect(typeof chain === 'string' ? chain : chain.map((level) => level.id)).toEqual([root.id, spender.id]);
    expect(facts.key(KID)).toMatchObject({ party: 'buyer', purpose: 'agent', algorithms: ['EdDSA', 'Ed25519'] });
    expect(facts.party('agent', 'buyer')).toMatchObject({ state: 'active', keys: [{ kid: KID }] });
    expect(facts.counterparty('shop')).toMatchObject({ settlementServices: ['settler'], rail: 'external' });
    expect(facts.policy('default')).toMatchObject({ version: 1, setHash: 'hash-1' });
    expect(await statements(() => registry.at(needs))).toBe(0);
  });

  it('says absent of what does not exist, and unknown of a mandate somebody edited', async () => {
    const root = claim();
    await record(root);
    await database.pool.query(`UPDATE mandates SET claims = replace(claims, '1000.00', '9000.00')`);
    const facts = await new Registry(database.pool).at({ mandates: [root.id, randomUUID()], kids: ['nobody'] });
    expect(facts.chain(root.id)).toBe('unknown');
    expect(facts.chain(randomUUID())).toBe('absent');
    expect(facts.key('nobody')).toBeUndefined();
  });

  it('never lets cached facts decide after a control act: the transaction finds out by the epoch', async () => {
    const registry = new Registry(database.pool);
    const needs = { parties: [{ kind: 'agent', id: 'buyer' }] } as const;
    const facts = await registry.at(needs);
    await inTransaction(database.pool, (tx) => registry.check(tx, facts));
    await act((control) => recordParties(control, [{ ...PARTIES[1], state: 'disabled' }]));
    await expect(inTransaction(database.pool, (tx) => registry.check(tx, facts))).rejects.toThrow(RegistryMoved);
    expect((await registry.at(needs)).party('agent', 'buyer')?.state).toBe('disabled');
  });
});

/** Places a hold on every level, as an authorization does. */
async function hold(path: readonly MandateClaim[], amount: string): Promise<{ hold: string; artifact: string }> {
  const [holdId, artifactId] = [randomUUID(), randomUUID()];
  const ids = path.map((each) => each.id);
  const flow = ids.at(-1);
  await database.pool.query('UPDATE budgets SET held = held + $2 WHERE mandate_id = ANY ($1)', [ids, amount]);
  await database.pool.query(
    `INSERT INTO artifacts (artifact_id, flow_id, hold_id, decision_id, agent_id, audience, epoch, kid, claims, claims_hash,
       status_partition, status_idx, issued_at) VALUES ($1, $2, $3, $3, 'buyer', 'settler', 1, 'k', '{}', '', 0, 0, now())`,
    [artifactId, flow, holdId],
  );
  await database.pool.query(
    `INSERT INTO holds (hold_id, flow_id, root_id, path, artifact_id, counterparty_id, audience, currency, amount, held,
       mode, max_captures, expires_at, settle_by, ends_at)
     VALUES ($1, $2, $3, $4, $5, 'shop', 'settler', 'USD', $6, $6, 'single', 1, now(), now(), now())`,
    [holdId, flow, ids[0], ids, artifactId, amount],
  );
  return { hold: holdId, artifact: artifactId };
}

/** How many statements the pool's connections sent meanwhile. */
async function statements(run: () => Promise<unknown>): Promise<number> {
  let sent = 0;
  const seen = new Set<PoolClient>();
  const onAcquire = (client: PoolClient): void => {
    if (seen.has(client)) return;
    seen.add(client);
    const original = client.query.bind(client);
    const counting = (...args: unknown[]): unknown => {
      sent += 1;
      return Reflect.apply(original, client, args);
    };
    Object.assign(client, { query: counting });
  };
  database.pool.on('acquire', onAcquire);
  try {
    await run();
    return sent;
  } finally {
    database.pool.off('acquire', onAcquire);
    await database.pool.query('SELECT 1');
  }
}
