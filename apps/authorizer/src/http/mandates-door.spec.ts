import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signToken } from '@spendgate/artifact';
import { type MandateClaim, type MandateTokenClaims, hashJsonText } from '@spendgate/codec';
import { inControlAct, recordKeys, recordParties, revokeKey, revokeMandates } from '@spendgate/store';
import {
  type DoorReply,
  type ServedModule,
  TestDoor,
  type TestRuntime,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  serveModule,
  signIntent,
} from '@spendgate/testing';
import { AuthorizerModule } from '../authorizer.module.js';
import { AUTHORIZER_SETTINGS } from '../authorizer.settings.js';
import { AUTHORIZER_ROUTES } from './routes.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100.00', per_transaction: null };

let world: TestRuntime;
let app: ServedModule;
let door: TestDoor;
let rivalPrincipal: Signer;
let serial = 0;

type Answer = DoorReply;
const post = (token: string, path = '/v1/mandates', headers: Record<string, string> = {}): Promise<Answer> =>
  door.post(path, token, headers);
const get = (path: string, signer: Signer): Promise<Answer> => door.get(path, signer);

function sign(signer: Signer, iss: string, mandate: object, change: Partial<MandateTokenClaims> = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss, aud: world.domain.issuer, iat, exp: iat + 600, jti: `grant-${serial++}`, mandate, ...change };
  return signToken(signer, 'mandate+jwt', claims);
}

const byAgent = async (agent: string, mandate: object): Promise<Answer> =>
  post(await sign(world.domain.agent(agent), agent, mandate));
const byPrincipal = async (mandate: object): Promise<Answer> =>
  post(await sign(world.domain.principal, 'acme', mandate));

/** A sub-mandate of `team` for the agent `sub`, in order when `lead` signs it. */
function sub(name: string, change: Partial<MandateClaim> = {}): MandateClaim {
  return mandateClaim(name, {
    parent: namedId('team'),
    depth: 2,
    agent: 'sub',
    limits: { ...LIMITS, total: '10.00' },
    ...change,
  });
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

async function spend(agent: string, mandate: string, value: string): Promise<Answer> {
  const claims = intentClaims(`spend-${serial++}`, Date.now(), {
    iss: agent,
    mandate,
    amount: { value, currency: 'USD' },
  });
  return post(await signIntent(world.domain.agent(agent), claims), '/v1/payment-intents', { prefer: 'wait=20' });
}

function revoke(name: string): Promise<unknown> {
  const revocation = { mandateIds: [namedId(name)], by: 'acme', reason: 'spec' };
  return inControlAct(world.database.pool, (act) => revokeMandates(act, revocation));
}

beforeAll(async () => {
  world = await openTestRuntime({
    settings: AUTHORIZER_SETTINGS,
    environment: { SPENDGATE_GRANTS_PER_SECOND: '1000' },
    agents: ['lead', 'sub', 'subsub', 'rival', 'acme'],
  });
  rivalPrincipal = PrivateKeySigner.generate('principal');
  const { kid, alg, jwk } = rivalPrincipal;
  await inControlAct(world.database.pool, async (act) => {
    await recordParties(act, [{ kind: 'principal', id: 'globex', name: 'Globex' }]);
    await recordKeys(act, [{ kid, kind: 'principal', partyId: 'globex', alg, jwk, activeFromMs: 0 }]);
  });
  const root = mandateClaim('root', { agent: null, limits: LIMITS, delegation: { levels: 3 } });
  const under = (name: string, change: Partial<MandateClaim>) =>
    mandateClaim(name, { parent: root.id, depth: 1, limits: LIMITS, delegation: { levels: 2 }, ...change });
  await world.domain.mandates([
    root,
    under('team', { agent: 'lead' }),
    under('rival', { agent: 'rival' }),
    under('none', { agent: 'lead', delegation: null }),
    under('ended', { agent: 'lead', validity: { from: 1, until: 2 } }),
    under('revoked', { agent: 'lead' }),
    under('contained', { agent: 'lead' }),
    sub('signed by acme', { limits: { ...LIMITS, total: '1.00' } }),
  ]);
  await revoke('revoked');
  await rows(`UPDATE flows SET state = 'contained' WHERE flow_id = '${namedId('contained')}'`);
  app = await serveModule(AuthorizerModule.forRoot(world.as('spendgate_authorizer')), world.runtime);
  door = new TestDoor(app.url, AUTHORIZER_ROUTES);
}, HOOK_MS);
afterAll(async () => {
  await app.close();
  await world.close();
}, HOOK_MS);

describe('delegation', () => {
  it('an agent carves a sub-mandate with its own key; its spend debits every level, and its artifact names the chain', async () => {
    const claim = sub('carved', { delegation: { levels: 1 } });
    const { status, headers, body } = await byAgent('lead', claim);
    expect([status, headers.get('location')]).toEqual([201, `/v1/mandates/${claim.id}`]);
    expect(body).toEqual({ mandate: claim.id, version: 1, hash: hashJsonText(claim), replayed: false });
    const deeper = sub('carved deeper', {
      parent: claim.id,
      depth: 3,
      agent: 'subsub',
      limits: { ...LIMITS, total: '5.00' },
    });
    expect((await byAgent('sub', deeper)).status).toBe(201);

    const spent = await spend('subsub', deeper.id, '4.00');
    expect([spent.status, spent.body['outcome']]).toEqual([201, 'authorized']);
    const payload = String(spent.body['artifact']).split('.')[1] ?? '';
    const artifact = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { act: unknown; lineage: unknown }; // as: ours
    // RFC 8693 §4.1: outermost who acts now, the principal innermost.
    const act = { sub: 'subsub', act: { sub: 'sub', act: { sub: 'lead', act: { sub: 'acme' } } } };
    expect(artifact).toMatchObject({ act, lineage: { root: namedId('root'), parent: deeper.id, depth: 3 } });
    const held = await rows<{ held: string }>(
      `SELECT trim_scale(held)::text AS held FROM budgets WHERE mandate_id = ANY (
         SELECT unnest(path) FROM mandates WHERE mandate_id = '${deeper.id}') ORDER BY depth`,
    );
    expect(held.map((row) => row.held)).toEqual(['4', '4', '4', '4']);
    expect((await spend('subsub', deeper.id, '1.01')).body).toMatchObject({ code: 'budget_exceeded' });
  });

  it('is a leaf with the leaf of the parent as its cause, and the signature in it', async () => {
    const claim = sub('lineage');
    await byAgent('lead', claim);
    const [leaf] = await rows<{ leaf: string; payload: string }>(
      `SELECT leaf, payload FROM leaves WHERE payload LIKE '%"id":"${claim.id}"%' AND leaf::json->>'type' = 'mandate_registered'`,
    );
    const [parent] = await rows<{ hash: string }>(
      `SELECT encode(leaf_hash, 'hex') AS hash FROM mandates WHERE mandate_id = '${namedId('team')}'`,
    );
    const { causes } = JSON.parse(leaf?.leaf ?? '{}') as { causes: string[] }; // as: ours
    expect(causes.map((cause) => Buffer.from(cause, 'base64url').toString('hex'))).toEqual([parent?.hash]);
    expect(JSON.parse(leaf?.payload ?? '{}')).toMatchObject({ grantor: { kind: 'agent', id: 'lead' } });
  });

  it('a level revoked above ends what was delegated below it, at once', async () => {
    await byPrincipal(mandateClaim('to end', { parent: namedId('root'), depth: 1, agent: 'lead', limits: LIMITS, delegation: { levels: 2 } })); // prettier-ignore
    const child = sub('below the end', { parent: namedId('to end') });
    expect((await byAgent('lead', child)).status).toBe(201);
    expect((await spend('sub', child.id, '1.00')).status).toBe(201);
    await revoke('to end');
    expect((await spend('sub', child.id, '1.00')).body).toMatchObject({ code: 'mandate_revoked' });
    const grandchild = sub('too late', { parent: child.id, depth: 3, agent: 'subsub' });
    expect((await byAgent('sub', grandchild)).body).toMatchObject({ code: 'mandate_revoked' });
  });
});

describe('a signed mandate over HTTP', () => {
  it('is answered alike when it is sent again, and conflicts with another body of the same version', async () => {
    const claim = sub('again');
    const token = await sign(world.domain.agent('lead'), 'lead', claim, { jti: 'again-1' });
    const first = await post(token, '/v1/mandates', { 'idempotency-key': 'again-1' });
    const second = await post(token);
    expect([first.status, second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 201, 'true']);
    expect(second.body).toEqual({ ...first.body, replayed: true });
    const other = await byAgent('lead', sub('again', { limits: { ...LIMITS, total: '9.00' } }));
    expect([other.status, other.body['code'], other.body['version']]).toEqual([422, 'idempotency_conflict', 1]);
    const wrong = await post(token, '/v1/mandates', { 'idempotency-key': 'another' });
    expect(wrong.body).toMatchObject({ code: 'malformed', field: 'Idempotency-Key' });
    expect(await rows(`SELECT 1 FROM mandate_versions WHERE mandate_id = '${claim.id}'`)).toHaveLength(1);
  });

  it('is the next version or none: a skip names the version on record, an old one takes nothing back', async () => {
    const first = sub('amended');
    await byAgent('lead', first);
    const skip = await byAgent('lead', { ...first, version: 3 });
    expect([skip.status, skip.body['code'], skip.body['field'], skip.body['version']]).toEqual([403, 'scope_mismatch', 'version', 1]); // prettier-ignore
    const narrower = { ...first, version: 2, limits: { ...LIMITS, total: '2.00' } };
    expect((await byAgent('lead', narrower)).status).toBe(201);
    expect((await byAgent('lead', first)).body).toMatchObject({ version: 1, replayed: true });
    const [row] = await rows<{ version: number; total: string }>(
      `SELECT version, trim_scale(total_limit)::text AS total FROM mandates WHERE mandate_id = '${first.id}'`,
    );
    expect(row).toEqual({ version: 2, total: '2' });
  });

  it('narrowed below what is held stands, and nothing more is spendable', async () => {
    const claim = sub('narrowed');
    await byAgent('lead', claim);
    expect((await spend('sub', claim.id, '8.00')).status).toBe(201);
    expect((await byAgent('lead', { ...claim, version: 2, limits: { ...LIMITS, total: '5.00' } })).status).toBe(201);
    expect((await spend('sub', claim.id, '0.01')).body).toMatchObject({ code: 'budget_exceeded' });
  });

  it('of two next versions at once one is recorded', async () => {
    const claim = sub('raced');
    await byAgent('lead', claim);
    const amend = (total: string) => byAgent('lead', { ...claim, version: 2, limits: { ...LIMITS, total } });
    const answers = await Promise.all(['1.00', '2.00', '3.00', '4.00'].map(amend));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422, 422, 422]);
  });

  it('of a principal alone: a sub-mandate of its tree, and a narrower root', async () => {
    expect((await byPrincipal(sub('by acme'))).status).toBe(201);
    const [root] = await rows<{ claims: string }>(
      `SELECT claims FROM mandates WHERE mandate_id = '${namedId('root')}'`,
    );
    const claim = JSON.parse(root?.claims ?? '{}') as MandateClaim; // as: our column
    expect((await byPrincipal({ ...claim, version: 2, limits: { ...LIMITS, total: '99.00' } })).status).toBe(201);
    const wider = await byPrincipal({ ...claim, version: 3, limits: { ...LIMITS, total: '99.01' } });
    expect(wider.body).toMatchObject({ code: 'scope_escalation', field: 'total_limit' });
    const fresh = await byPrincipal(mandateClaim('a new root'));
    expect(fresh.body).toMatchObject({ code: 'scope_escalation', field: 'parent' });
  });
});

describe('attacks on the tree', () => {
  /** Every one is refused with its code, and nothing is on record afterwards. */
  const ATTACKS: readonly (readonly [string, () => Promise<Answer>, string, string])[] = [
    ['self-amendment', () => byAgent('lead', { ...sub('team'), id: namedId('team'), parent: namedId('root'), depth: 1, version: 2, agent: 'lead' }), 'mandate_unknown', 'parent'], // prettier-ignore
    ['a sibling', () => byAgent('rival', sub('by a sibling')), 'mandate_unknown', 'parent'],
    [
      'an amendment by its own agent',
      () => byAgent('sub', sub('signed by acme', { version: 2 })),
      'mandate_unknown',
      'parent',
    ],
    [
      'what the principal signed',
      () => byAgent('lead', sub('signed by acme', { version: 2 })),
      'scope_mismatch',
      'iss',
    ],
    [
      'a parent swap',
      () => byAgent('rival', { ...sub('signed by acme', { version: 2 }), parent: namedId('rival') }),
      'mandate_unknown',
      'id',
    ],
    ['a root by an agent that has its principal’s name', () => byAgent('acme', mandateClaim('agent acme root', { principal: 'acme' })), 'mandate_unknown', 'parent'], // prettier-ignore
    [
      'another principal’s key',
      async () => post(await sign(rivalPrincipal, 'globex', sub('by globex'))),
      'mandate_unknown',
      'principal',
    ],
    ['another principal under this tree', async () => post(await sign(rivalPrincipal, 'globex', sub('globex below', { principal: 'globex' }))), 'mandate_unknown', 'parent'], // prettier-ignore
    [
      'another principal’s name',
      async () => post(await sign(rivalPrincipal, 'acme', sub('false iss'))),
      'issuer_unknown',
      'undefined',
    ],
    [
      'no right to delegate',
      () => byAgent('lead', sub('below none', { parent: namedId('none') })),
      'scope_escalation',
      'delegation',
    ],
    [
      'as far a right as its own',
      () => byAgent('lead', sub('too deep', { delegation: { levels: 2 } })),
      'scope_escalation',
      'delegation',
    ],
    [
      'more than its parent',
      () => byAgent('lead', sub('wider', { limits: { ...LIMITS, total: '100.01' } })),
      'scope_escalation',
      'total_limit',
    ],
    ['itself as the sub-agent', () => byAgent('lead', sub('for itself', { agent: 'lead' })), 'scope_mismatch', 'agent'],
    ['an agent nobody knows', () => byAgent('lead', sub('for nobody', { agent: 'ghost' })), 'agent_unknown', 'agent'],
    ['an ended parent', () => byAgent('lead', sub('below ended', { parent: namedId('ended'), validity: { from: 1, until: 2 } })), 'mandate_expired', 'parent'], // prettier-ignore
    [
      'a revoked parent',
      () => byAgent('lead', sub('below revoked', { parent: namedId('revoked') })),
      'mandate_revoked',
      'parent',
    ],
    [
      'a contained parent',
      () => byAgent('lead', sub('below contained', { parent: namedId('contained') })),
      'flow_contained',
      'parent',
    ],
    [
      'a parent nobody knows',
      () => byAgent('lead', sub('below nothing', { parent: namedId('nothing') })),
      'mandate_unknown',
      'parent',
    ],
    ['a false depth', () => byAgent('lead', sub('shallow', { depth: 1 })), 'scope_escalation', 'depth'],
    [
      'an amount that is none',
      () => byAgent('lead', sub('amount', { limits: { ...LIMITS, total: '-5.00' } })),
      'amount_invalid',
      'limits.total',
    ],
    [
      'a member nobody enforces',
      () => byAgent('lead', { ...sub('member'), unlimited: true }),
      'unknown_field',
      'undefined',
    ],
    ['a token for another domain', async () => post(await sign(world.domain.agent('lead'), 'lead', sub('aud'), { aud: 'urn:spendgate:elsewhere' })), 'domain_mismatch', 'undefined'], // prettier-ignore
    [
      'a token past its exp',
      async () => post(await sign(world.domain.agent('lead'), 'lead', sub('exp'), { iat: 1, exp: 2 })),
      'mandate_expired',
      'undefined',
    ],
    [
      'a stranger’s key',
      async () => post(await sign(PrivateKeySigner.generate('agent'), 'lead', sub('key'))),
      'key_unknown',
      'undefined',
    ],
    [
      'the settlement service’s key',
      async () => post(await sign(world.domain.settler, 'settler', sub('settler'))),
      'key_unknown',
      'undefined',
    ],
    ['a broken signature', async () => post(`${(await sign(world.domain.agent('lead'), 'lead', sub('flip'))).slice(0, -86)}${'A'.repeat(86)}`), 'signature_invalid', 'undefined'], // prettier-ignore
  ];

  it.each(ATTACKS)('%s', async (_what, attack, code, field) => {
    const before = await rows('SELECT count(*) FROM mandate_versions');
    const { body } = await attack();
    expect([body['code'], String(body['field'])]).toEqual([code, field]);
    expect(await rows('SELECT count(*) FROM mandate_versions')).toEqual(before);
  });

  it('a key revoked a moment ago delegates nothing any more', async () => {
    const old = PrivateKeySigner.generate('agent');
    const { kid, alg, jwk } = old;
    await inControlAct(world.database.pool, (act) =>
      recordKeys(act, [{ kid, kind: 'agent', partyId: 'lead', alg, jwk, activeFromMs: 0 }]),
    );
    const token = await sign(old, 'lead', sub('by a lost key'));
    await inControlAct(world.database.pool, (act) => revokeKey(act, kid));
    expect((await post(token)).body).toMatchObject({ code: 'key_retired' });
  });
});

describe('reading mandates', () => {
  it('shows a principal its tree, an agent its own level and what is carved from it, and others nothing', async () => {
    const claim = sub('readable');
    await byAgent('lead', claim);
    const path = `/v1/mandates/${claim.id}`;
    const levels = async (signer: Signer) => {
      const { status, body } = await get(path, signer);
      return status === 200 ? (body['levels'] as { mandate: string }[]).map(({ mandate }) => mandate) : status;
    };
    expect(await levels(world.domain.principal)).toEqual([namedId('root'), namedId('team'), claim.id]);
    expect(await levels(world.domain.agent('lead'))).toEqual([namedId('team'), claim.id]);
    expect(await levels(world.domain.agent('sub'))).toEqual([claim.id]);
    expect([await levels(world.domain.agent('rival')), await levels(rivalPrincipal)]).toEqual([404, 404]);
    const { body } = await get(path, world.domain.agent('sub'));
    expect(body['levels']).toMatchObject([
      { limit: '10.00', available: '10.00', held: '0.00', grantor: { kind: 'agent', id: 'lead' }, grant: claim },
    ]);
  });
});
