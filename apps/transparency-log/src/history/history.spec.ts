import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Signer, parseKeySet, verifyToken } from '@spendgate/artifact';
import { type DomainAttestationClaims, hashJsonText, leafHashOf, opensCommitment, parseLeaf } from '@spendgate/codec';
import { verifyConsistency, verifyInclusion } from '@spendgate/audit-log';
import { MESSAGING_SETTINGS } from '@spendgate/messaging';
import {
  armWatch,
  beatWatch,
  claimWatch,
  inControlAct,
  lookAtDomain,
  recordParties,
  revokeKey,
  revokeMandates,
  sweepFlows,
} from '@spendgate/store';
import {
  type ServedModule,
  TEST_ISSUER,
  type TestRuntime,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  recordLogKeys,
  serveModule,
  signedGet,
  until,
} from '@spendgate/testing';
import { LOG_SETTINGS } from '../log.settings.js';
import { TransparencyLogModule } from '../transparency-log.module.js';

interface ProvenLeaf {
  readonly leaf_index: number;
  readonly leaf_hash: string;
  readonly leaf: string;
  readonly payload: string;
  readonly salt: string;
  readonly proof: readonly string[];
}
interface Attested {
  readonly attestation: string;
  readonly last_leaf: ProvenLeaf;
  readonly consistency_url: string;
}
interface Told {
  readonly as_of: DomainAttestationClaims['as_of'];
  readonly state: Readonly<Record<string, unknown>>;
  readonly leaves: readonly ProvenLeaf[];
  readonly consistency_url: string;
}

const bytes = (hash: string): Buffer => Buffer.from(hash, 'base64url');
let world: TestRuntime;
let served: ServedModule;
let person: Signer;
let control: Signer;

beforeAll(async () => {
  const environment = { SPENDGATE_CHECKPOINT_PUBLISH: '0ms', SPENDGATE_LOG_IDLE: '5ms' };
  const settings = { ...LOG_SETTINGS, ...MESSAGING_SETTINGS };
  world = await openTestRuntime({ settings, environment, people: { ada: ['auditor'] } });
  person = world.domain.person('ada');
  const keys = await recordLogKeys(world.runtime.pool);
  ({ control } = keys);
  const runtime = { ...world.runtime, keys: { ...world.runtime.keys, ...keys } };
  served = await serveModule(TransparencyLogModule.forRoot(runtime), runtime, { topics: false });
}, 60_000);
afterAll(async () => {
  await served.close();
  await world.close();
});

const get = <T>(path: string): Promise<[number, T]> => signedGet<T>(served.url, path, person);
const historyOf = (kind: string, id: string, at = ''): Promise<[number, Told]> => get(`/v1/history/${kind}/${id}${at}`);

/** Waits until the log has signed all there is. */
async function settled(): Promise<void> {
  await until('all leaves under a checkpoint', async () => {
    const { rows } = await world.runtime.pool.query<{ done: boolean }>(
      'SELECT (SELECT count(*) FROM leaves) = coalesce((SELECT max(tree_size) FROM checkpoints), 0) AS done',
    );
    return rows[0]?.done === true;
  });
}

/** An instant after everything so far, and before everything to come. */
async function instant(): Promise<string> {
  await settled();
  const now = Date.now();
  await until('the next millisecond', () => Promise.resolve(Date.now() > now + 1));
  return `?at=${new Date(now).toISOString()}`;
}

/** The claims, after the signature was verified with the keys the domain publishes. */
async function claimsOf({ attestation }: Attested): Promise<DomainAttestationClaims> {
  const jwks = parseKeySet(await (await fetch(`${served.url}/.well-known/jwks.json`)).json());
  if (!jwks.ok) throw new Error(jwks.detail);
  const atMs = Date.now();
  const { kid } = control;
  const keys = (named: string) => (named === kid ? jwks.keys.find(named) : undefined);
  const options = { typ: 'domain-attestation+jwt', keys, atMs, audience: TEST_ISSUER } as const;
  const verdict = await verifyToken(attestation, options);
  if (!verdict.ok) throw new Error(verdict.code);
  return verdict.claims;
}

/** As somebody outside does it: the tree it names holds the leaf, and the tree of today continues it. */
async function isProven(asOf: Told['as_of'], url: string, { leaf, leaf_index, proof }: ProvenLeaf): Promise<boolean> {
  const { tree_size: treeSize, root } = asOf;
  const leafHash = leafHashOf(leaf);
  const inclusion = { leafIndex: leaf_index, treeSize, leafHash, root: bytes(root), proof: proof.map(bytes) };
  type Consistency = { size1: number; size2: number; root2: string; proof: string[] };
  const { size1, size2, root2, proof: path } = (await (await fetch(`${served.url}${url}`)).json()) as Consistency; // as: the contract under test
  const heads = { size1, size2, root1: bytes(root), root2: bytes(root2) };
  const continues = verifyConsistency({ ...heads, proof: path.map(bytes) });
  return size1 === treeSize && verifyInclusion(inclusion).valid && continues.valid;
}

describe('GET /v1/attestation', () => {
  it('D33: equal leaves give equal bytes, signed by the domain, and another leaf gives others', async () => {
    await world.domain.mandates([mandateClaim('main')]);
    await settled();
    const [status, first] = await get<Attested>('/v1/attestation');
    expect(status).toBe(200);
    expect(await get<Attested>('/v1/attestation')).toEqual([200, first]);
    const claims = await claimsOf(first);
    expect(claims).toMatchObject({ mandates: { standing: 1, revoked: 0 }, incidents: { open: 0 }, redacted: 0 });
    expect(claims.flows.states).toEqual([{ state: 'activated', count: 1 }]);
    expect(claims.quarantine).toMatchObject({ halts: 0, flows: 0, artifacts: 0, digest: hashJsonText([]) });
    await inControlAct(world.runtime.pool, (act) =>
      recordParties(act, [{ kind: 'agent', id: 'other', name: 'Other' }]),
    );
    await settled();
    const [, second] = await get<Attested>('/v1/attestation');
    expect(second.attestation).not.toBe(first.attestation);
    expect((await claimsOf(second)).mandates).toEqual(claims.mandates);
  });

  it('D34, D35: anyone can check that its last leaf is in the tree it names, and that the log goes on from that tree', async () => {
    const [, answer] = await get<Attested>('/v1/attestation');
    const { as_of } = await claimsOf(answer);
    expect(answer.last_leaf.leaf_index).toBe(as_of.leaf_index);
    expect(await isProven(as_of, answer.consistency_url, answer.last_leaf)).toBe(true);
  });

  it('D32: names the state of then for a time that is past, byte for byte as it was named then', async () => {
    const at = await instant();
    const [, then] = await get<Attested>('/v1/attestation');
    await world.domain.mandates([mandateClaim('second')]);
    await settled();
    const [, now] = await get<Attested>('/v1/attestation');
    expect((await claimsOf(now)).mandates.standing).toBe((await claimsOf(then)).mandates.standing + 1);
    expect(await get<Attested>(`/v1/attestation${at}`)).toEqual([200, then]);
  });

  it('is for people, for a time that is written as one and has been', async () => {
    const strangers = await signedGet<object>(served.url, '/v1/attestation', world.domain.agent('buyer'));
    expect(strangers[0]).not.toBe(200);
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    for (const at of ['yesterday', '2026-13-01T00:00:00Z', '1700000000000', ahead]) {
      expect((await get(`/v1/attestation?at=${at}`))[0]).toBe(400);
    }
    expect((await get('/v1/attestation?at=2001-01-01T00:00:00Z'))[0]).toBe(404);
  });
});

describe('GET /v1/history/:kind/:id', () => {
  it('D9–D12: tells a mandate, the state of its flow, a key and a policy as of any past time', async () => {
    const { pool } = world.runtime;
    await world.domain.mandates([mandateClaim('past')]);
    const id = namedId('past');
    const { kid } = world.domain.attester;
    const before = await instant();
    await inControlAct(pool, (act) => revokeMandates(act, { mandateIds: [id], by: 'ada', reason: 'spec' }));
    await inControlAct(pool, (act) => revokeKey(act, kid));
    const after = await instant();
    const stateOf = async (kind: string, of: string, at: string) => (await historyOf(kind, of, at))[1].state;
    expect(await stateOf('mandate', id, before)).toMatchObject({ revoked: false, agent: 'buyer' });
    expect(await stateOf('mandate', id, after)).toMatchObject({ revoked: true, agent: 'buyer' });
    expect(await stateOf('flow', id, before)).toMatchObject({ state: 'activated', epoch: 1 });
    expect(await stateOf('flow', id, after)).toMatchObject({ state: 'revoked', epoch: 1 });
    expect(await stateOf('key', kid, before)).toMatchObject({ state: 'active', party: 'attester' });
    expect(await stateOf('key', kid, after)).toMatchObject({ state: 'removed', party: 'attester' });
    expect(await stateOf('policy', 'default', before)).toMatchObject({ version: 1 });
    expect((await historyOf('mandate', id, '?at=2001-01-01T00:00:00Z'))[0]).toBe(404);
    expect((await historyOf('wish', id))[0]).toBe(404);
  });

  it('D14: tells a lineage spread over several holders as of any past time, each edge from leaf to leaf, each leaf proven', async () => {
    const root = mandateClaim('organisation', { agent: null });
    const team = mandateClaim('team', { parent: root.id, depth: 1, agent: null });
    const own = mandateClaim('agent of the team', { parent: team.id, depth: 2 });
    for (const each of [root, team, own]) await world.domain.mandates([each]);
    const then = await instant();
    await world.domain.mandates([{ ...team, version: 2, limits: { ...team.limits, total: '900.00' } }]);
    await settled();
    const edgesOf = async (at: string): Promise<(readonly [string, boolean])[]> => {
      const told = await Promise.all([root, team, own].map(async ({ id }) => (await historyOf('mandate', id, at))[1]));
      const [above, between, below] = told.map(({ leaves }) => leaves.map((each) => each.leaf_hash));
      const causes = told.flatMap(({ leaves }) =>
        leaves.flatMap(({ leaf }) => {
          const parsed = parseLeaf(Buffer.from(leaf));
          return parsed.ok ? [...parsed.leaf.causes] : [];
        }),
      );
      for (const each of told) {
        for (const leaf of each.leaves) expect(await isProven(each.as_of, each.consistency_url, leaf)).toBe(true);
      }
      const names = (level: readonly string[] | undefined): boolean => level?.some((hash) => causes.includes(hash)) === true; // prettier-ignore
      return [['team under organisation', names(above)], ['agent under team', names(between)], ['under the agent', names(below)]]; // prettier-ignore
    };
    const chain = [['team under organisation', true], ['agent under team', true], ['under the agent', false]]; // prettier-ignore
    expect(await edgesOf(then)).toEqual(chain);
    expect(await edgesOf('')).toEqual(chain);
    const versionsOf = async (at: string) => (await historyOf('mandate', team.id, at))[1].leaves.length;
    expect(await versionsOf(then)).toBe(1);
    expect(await versionsOf('')).toBe(2);
  });

  it('D13: each leaf it goes by opens to what it says and is in the tree it names', async () => {
    const [, told] = await historyOf('flow', namedId('past'));
    expect(told.leaves.length).toBeGreaterThan(2);
    for (const each of told.leaves) {
      expect(await isProven(told.as_of, told.consistency_url, each)).toBe(true);
      const parsed = parseLeaf(Buffer.from(each.leaf));
      expect(parsed.ok && opensCommitment(parsed.leaf, bytes(each.salt), each.payload)).toBe(true);
      expect(JSON.parse(each.payload)).toMatchObject({ flow: namedId('past') });
    }
  });
});

describe('GET /v1/flows/{id}/trust', () => {
  type Limb = { verdict: string; verified_at_ms: number | null; due_at_ms: number | null };
  type Trust = Told & { trust: string; phase: number; state: string; epoch: number; limbs: Record<string, Limb> };
  const trustOf = (id: string, at = ''): Promise<[number, Trust]> => get(`/v1/flows/${id}/trust${at}`);

  it('D21, D22, D23, D25: tells each limb with when it was verified and is due, and as of a past time, with proof', async () => {
    const { pool } = world.runtime;
    const id = namedId('trusted');
    await world.domain.mandates([mandateClaim('trusted')]);
    await issueTestArtifact(world, { mandate: 'trusted' });
    await armWatch(pool, 'spec', { domainMs: 300_000, flowMs: 60_000 });
    const held = await claimWatch(pool, 'spec', 300_000);
    const look = await lookAtDomain(pool);
    if (held === undefined || look === undefined) throw new Error('nobody watches');
    await beatWatch(pool, 'spec', look, held, { domainMs: 300_000, flowMs: 60_000 });
    await pool.query('UPDATE flow_watches SET verified_at = to_timestamp($2::float8 / 1000) WHERE flow_id = $1', [
      id,
      look.atMs,
    ]);
    const then = await instant();
    const [status, now] = await trustOf(id);
    expect([status, now.trust, now.phase, now.state, now.epoch]).toEqual([200, 'trusted', 4, 'executing', 1]);
    expect(now.limbs).toMatchObject(
      Object.fromEntries(
        ['identity', 'policy', 'lineage', 'settlement'].map((limb) => [
          limb,
          { verdict: 'verified', verified_at_ms: look.atMs, due_at_ms: look.atMs + 60_000 },
        ]),
      ),
    );
    expect(now.limbs['environment']?.verdict).toBe('absent');
    expect(now.limbs['domain']).toEqual({
      verdict: 'verified',
      verified_at_ms: look.atMs,
      due_at_ms: look.atMs + 300_000,
    });
    await pool.query(`UPDATE flow_watches SET verified_at = now() - interval '61 s'`);
    expect((await trustOf(id))[1]).toMatchObject({ trust: 'unverifiable', limbs: { lineage: { verdict: 'stale' } } });
    await pool.query(`UPDATE mandates SET path = '{}' WHERE mandate_id = $1`, [id]);
    await sweepFlows(pool, { afterMs: 30_000, lapseMs: 1e9, limit: 10, from: null });
    await settled();
    const [, after] = await trustOf(id);
    expect(after).toMatchObject({ trust: 'halted', phase: 6, limbs: { lineage: { verdict: 'broken' } } });
    for (const leaf of after.leaves) expect(await isProven(after.as_of, after.consistency_url, leaf)).toBe(true);
    const [, past] = await trustOf(id, then);
    expect(past).toMatchObject({ trust: 'trusted', phase: 3, limbs: { lineage: { verdict: 'verified' } } });
    expect(past.leaves.length).toBeLessThan(after.leaves.length);
    expect((await trustOf(namedId('nobody')))[0]).toBe(404);
    const asAgent = await signedGet<object>(served.url, `/v1/flows/${id}/trust`, world.domain.agent('buyer'));
    expect(asAgent).toMatchObject([401, { code: 'key_unknown' }]); // told its evidence, it would know how far it can go
  });
});

/** Rewrites a leaf with everything that names it, as whoever owns the database can. */
const REWRITE = `WITH edited AS (
    UPDATE leaves SET leaf = replace(leaf, 'control_act', 'ops_action'),
      leaf_hash = sha256('\\x00'::bytea || convert_to(replace(leaf, 'control_act', 'ops_action'), 'UTF8'))
    WHERE leaf_hash = (SELECT leaf_hash FROM leaves WHERE leaf LIKE '%control_act%' ORDER BY lane_id, seq LIMIT 1)
    RETURNING *)
  UPDATE log_positions p SET leaf_hash = e.leaf_hash FROM edited e WHERE p.lane_id = e.lane_id AND p.seq = e.seq`;

describe('an edited database', () => {
  it('D31: no past is told from edited leaves: not a payload, not a leaf, not one rewritten with all that names it', async () => {
    const { pool } = world.runtime;
    const at = await instant();
    await world.domain.mandates([mandateClaim('later')]);
    await settled();
    expect((await get('/v1/attestation'))[0]).toBe(200); // goes beyond the past that is asked for below
    const ask = async (): Promise<string> => {
      const [status, body] = await get<{ detail?: string }>(`/v1/attestation${at}`);
      return `${status} ${body.detail ?? ''}`;
    };
    const revoked = `leaf LIKE '%mandate_revoked%'`;
    await pool.query(`UPDATE leaves SET payload = replace(payload, 'spec', 'other') WHERE ${revoked}`);
    expect(await ask()).toMatch(/^503 .*leaf \d+ does not commit to its payload/);
    await pool.query(`UPDATE leaves SET payload = replace(payload, 'other', 'spec') WHERE ${revoked}`);
    await pool.query(`UPDATE leaves SET leaf = replace(leaf, 'mandate_revoked', 'ops_action') WHERE ${revoked}`);
    expect(await ask()).toMatch(/^503 .*leaf \d+ is not the one of its place/);
    await pool.query(`UPDATE leaves SET leaf = replace(leaf, 'ops_action', 'mandate_revoked')`);
    expect(await ask()).toBe('200 ');
    await pool.query(REWRITE);
    const [, now] = await get<Attested>('/v1/attestation');
    expect(now.attestation).toEqual(expect.any(String)); // what was read before the edit is still what was signed
    expect(await ask()).toMatch(/^503 .*do not give the signed tree/);
  });
});
