import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signToken, writePartyKey } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, EndParkedIntents, createAuthorizerParts } from '@spendgate/authorizer';
import { canonicalize, leafHashOf } from '@spendgate/codec';
import { MESSAGING_SETTINGS, TOPICS } from '@spendgate/messaging';
import { GATE_SETTINGS, type GateParts, createGateParts } from '@spendgate/settlement-gate';
import {
  LINEAGE_RELATIONS,
  type LaneLease,
  inControlAct,
  inTransaction,
  proveFlows,
  recordAttestations,
  recordKeys,
  recordParties,
} from '@spendgate/store';
import {
  type ServedModule,
  TEST_ISSUER,
  type TestRuntime,
  batchOf,
  captureClaims,
  captureRun,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  recordLogKeys,
  serveModule,
  outcomeClaims,
  signIntent,
  signRequest,
  signedGet,
  until,
} from '@spendgate/testing';
import { type FlowTimeline, LOG_SETTINGS, type LineageBody, TransparencyLogModule } from '@spendgate/transparency-log';
import { type BundleReport, verifyBundle } from '@spendgate/verifier';
import { run } from '../index.js';

const LONG_MS = 120_000;
const PEOPLE = { ada: ['operator', 'approver'], grace: ['operator', 'approver'] };
const MAIN = mandateClaim('main', {
  environment: { max_age_seconds: 3_600, measurements: ['m1'] },
  park_seconds: 600,
});
const TEAM = mandateClaim('team', { agent: null });
const OTHER = mandateClaim('other', { parent: TEAM.id, depth: 1 });

let world: TestRuntime;
let log: ServedModule;
let gate: GateParts;
let authorize: AuthorizeBatch;
let parked: EndParkedIntents;
let lane: LaneLease;
let next = 0n;
const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-phases-'));
const keys = path.join(folder, 'keys');
const environment = process.env;

beforeAll(async () => {
  world = await openTestRuntime({
    settings: { ...AUTHORIZER_SETTINGS, ...GATE_SETTINGS, ...LOG_SETTINGS, ...MESSAGING_SETTINGS },
    environment: { SPENDGATE_LOG_IDLE: '5ms' },
    people: PEOPLE,
  });
  const runtime = { ...world.runtime, keys: { ...world.runtime.keys, ...(await recordLogKeys(world.runtime.pool)) } };
  const module = TransparencyLogModule.forRoot({ ...runtime, pool: world.as('spendgate_log').pool });
  log = await serveModule(module, runtime, { topics: false });
  await world.domain.mandates([MAIN, TEAM, OTHER]);
  for (const person of Object.keys(PEOPLE)) {
    const signer = world.domain.person(person) as PrivateKeySigner; // as: the test domain makes its keys in memory
    await writePartyKey(keys, person, signer);
  }
  // Each with the rights its process would have, so that what the walk below needs is granted.
  gate = createGateParts({ ...world.as('spendgate_gate'), keys: runtime.keys });
  const parts = createAuthorizerParts({ ...world.as('spendgate_authorizer'), keys: runtime.keys });
  authorize = new AuthorizeBatch(parts);
  parked = new EndParkedIntents(parts);
  lane = await world.lane(TOPICS.paymentIntents);
  const consoleUrl = new URL(world.database.url);
  consoleUrl.searchParams.set('options', '-c role=spendgate_console');
  process.env = {
    ...environment,
    SPENDGATE_ISSUER: TEST_ISSUER,
    SPENDGATE_DATA: folder,
    SPENDGATE_DATABASE_URL: consoleUrl.href,
  };
}, LONG_MS);
afterAll(async () => {
  process.env = environment;
  await gate.events.stop();
  await log.close();
  await world.close();
  fs.rmSync(folder, { recursive: true, force: true });
}, LONG_MS);

async function rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, values)).rows as T[]; // as: the query names its columns
}

async function attest(measurement: string, at = Date.now()): Promise<void> {
  const evidence = {
    evidenceHash: 'e'.repeat(43),
    verifier: 'attester',
    token: 'a.b.c',
    kid: world.domain.attester.kid,
  };
  const result = { agentId: 'buyer', measurement, debug: false, compromised: false, ...evidence };
  const row = { ...result, validUntilMs: at + 3_600_000, issuedAtMs: at };
  await inTransaction(world.database.pool, (tx) => recordAttestations(tx, [row]));
}

interface Decided {
  readonly outcome: string;
  readonly code: string | null;
  readonly artifact_id: string | null;
}

/** One intent for 1.00, decided by the authorizer. */
async function spend(jti: string, mandate = MAIN.id): Promise<Decided> {
  const claims = intentClaims(jti, Date.now(), { mandate, amount: { value: '1.00', currency: 'USD' } });
  const token = await signIntent(world.domain.agent('buyer'), claims);
  await authorize.execute(batchOf(lane, [token], { firstOffset: next }));
  next += 1n;
  return newest(jti);
}

async function newest(jti: string): Promise<Decided> {
  const [row] = await rows<Decided>(
    `SELECT outcome, code, artifact_id FROM decisions WHERE (read_set IS NOT NULL) AND intent_id =
       (SELECT intent_id FROM decisions WHERE lane_offset = $1 LIMIT 1) ORDER BY attempt DESC LIMIT 1`,
    [offsets.get(jti) ?? remember(jti)],
  );
  if (row === undefined) throw new Error('the intent has a decision');
  return row;
}
const offsets = new Map<string, string>();
function remember(jti: string): string {
  const offset = String(next - 1n);
  offsets.set(jti, offset);
  return offset;
}

async function capture(artifactId: string | null, id = 'c1'): Promise<string> {
  const [row] = await rows<{ claims: string; hash: Buffer }>(
    'SELECT claims, claims_hash AS hash FROM artifacts WHERE artifact_id = $1',
    [artifactId],
  );
  const claims = JSON.parse(row?.claims ?? '{}') as { authorization_details: [{ reference: string }] }; // as: ours
  const held = {
    id: artifactId ?? '',
    hash: row?.hash.toString('base64url') ?? '',
    amount: '1.00',
    currency: 'USD',
    counterparty: 'shop',
    reference: claims.authorization_details[0].reference,
  };
  presented.set(artifactId ?? '', held);
  const answer = await gate.door.present(
    await signRequest(world.domain.settler, captureClaims(held as never, id, '1.00')),
  );
  return answer.kind === 'settlement' ? (answer.code ?? answer.state) : answer.kind;
}
const presented = new Map<string, object>();

async function cli(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await captureRun(run, [...args, '--json']);
  if (stdout.trim() === '') throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n')[0] ?? '') as Record<string, unknown>; // as: the contract under test
}
const as = (person: string) => ['--as', person, '--reason', 'spec', '--keys', keys];

async function byTwo(...args: string[]): Promise<Record<string, unknown>> {
  const asked = await cli(...args, ...as('ada'));
  return cli('acts', 'approve', String(asked.act), '--as', 'grace', '--keys', keys);
}

async function phase(flow = MAIN.id): Promise<[number, string, number]> {
  const trust = await cli('flows', 'show', flow);
  return [trust.phase as number, trust.state as string, trust.epoch as number]; // as: the contract under test
}

async function openIncident(flow = MAIN.id): Promise<string> {
  const [row] = await rows<{ id: string }>(
    'SELECT incident_id AS id FROM incidents WHERE flow_id = $1 ORDER BY opened_at DESC LIMIT 1',
    [flow],
  );
  return row?.id ?? '';
}

type LineagePage = LineageBody & { readonly next: string | null };
async function lineage(id: string, ...args: string[]): Promise<LineagePage> {
  return (await cli('lineage', id, ...args)) as unknown as LineagePage; // as: the contract under test
}
const get = async (path: string, signer?: Signer) => signedGet<Record<string, unknown>>(log.url, path, signer);

/** Until the closing leaf is under a head the log signed by itself. */
const proven = () => until('the proof', async () => (await proveFlows(world.database.pool)) > 0);

describe('the nine phases, on the real services', () => {
  it(
    'E11–E19: baseline to execution, drift, containment, recovery by two people, proof, and a new baseline',
    async () => {
      // 1 baseline, 2 authorization: the environment is not attested yet.
      expect(await phase()).toEqual([2, 'authorized', 1]);
      await attest('m1');
      const first = await spend('first');
      expect(first.outcome).toBe('authorized');
      expect(await phase()).toEqual([4, 'executing', 1]);
      const held = await spend('held');
      expect(await capture(first.artifact_id)).toBe('capturing');

      // 5 and 6 in one transaction: the agent's runtime is another one.
      await attest('m2', Date.now() + 1_000);
      expect(await spend('drifted')).toMatchObject({ outcome: 'denied', code: 'environment_integrity_failure' });
      expect(await phase()).toEqual([6, 'contained', 1]);
      expect(await capture(held.artifact_id)).toBe('flow_contained');
      await attest('m1', Date.now() + 2_000);
      expect(await spend('waits')).toMatchObject({ outcome: 'parked', code: 'flow_contained' });

      // 7: a named operator; the cause is cleared on fresh evidence.
      const incident = await openIncident();
      expect(await cli('incidents', 'revalidate', incident, ...as('ada'))).toMatchObject({ ok: false });
      expect(await cli('incidents', 'recover', incident, ...as('ada'))).toMatchObject({ ok: true });
      expect(await phase()).toEqual([7, 'recovering', 1]);
      expect(await byTwo('incidents', 'revalidate', incident).catch(String)).toContain('no act');
      expect(await cli('incidents', 'clear', incident, '--cause', 'environment', ...as('ada'))).toMatchObject({
        ok: true,
      });

      // 8 by two people, 9 once the closing leaf is under a signed head; then phase 1 of the next epoch.
      expect(await byTwo('incidents', 'revalidate', incident)).toMatchObject({ ok: true, state: 'done' });
      expect(await phase()).toEqual([8, 'revalidated', 1]);
      await proven();
      expect(await phase()).toEqual([2, 'authorized', 2]);
      const told = (await cli('flows', 'timeline', MAIN.id)) as unknown as FlowTimeline; // as: the contract under test
      expect(told.phases.map(({ reached }) => reached)).toEqual(Array(6).fill(true));

      // What waited is decided afresh; the old artifact stays dead, its hold stays.
      expect(await parked.execute(lane)).toBe(1);
      expect(await newest('waits')).toMatchObject({ outcome: 'authorized' });
      expect(await phase()).toEqual([4, 'executing', 2]);
      expect(await capture(held.artifact_id, 'c2')).toBe('artifact_revoked');
      expect(await rows('SELECT held::float8, ended FROM holds WHERE artifact_id = $1', [held.artifact_id])).toEqual([
        { held: 1, ended: false },
      ]);
      const steps = await rows<{ to: string }>(
        `SELECT payload::json ->> 'to' AS to FROM leaves
         WHERE leaf::json ->> 'type' = 'flow_transition' AND payload::json ->> 'flow' = $1
         ORDER BY (payload::json ->> 'sequence')::int`,
        [MAIN.id],
      );
      expect(steps.map(({ to }) => to)).toEqual([
        'authorized', 'drifting', 'contained', 'recovering', 'revalidated', 'proven', 'baseline', 'authorized',
      ]); // prettier-ignore
    },
    LONG_MS,
  );

  it(
    'E18: a rail that moved another amount contains the flow; revoked by two people it never passes again',
    async () => {
      const bank = PrivateKeySigner.generate('rail');
      await inControlAct(world.runtime.pool, async (act) => {
        await recordParties(act, [{ kind: 'rail', id: 'external', name: 'Bank' }]);
        const { kid, alg, jwk } = bank;
        await recordKeys(act, [{ kid, alg, jwk, kind: 'rail', partyId: 'external', activeFromMs: 0 }]);
      });
      const [first, second] = [await spend('o1', OTHER.id), await spend('o2', OTHER.id)];
      expect(await capture(first.artifact_id)).toBe('capturing');
      const told = outcomeClaims(
        presented.get(first.artifact_id ?? '') as never,
        { capture_id: 'c1' },
        'completed',
        '9.00',
      );
      const report = await signToken(bank, 'settlement-outcome+jwt', { ...told, iss: 'external' });
      expect(await gate.door.present(Buffer.from(report))).toMatchObject({ kind: 'outcome', state: 'unknown' });
      expect(await phase(OTHER.id)).toEqual([6, 'contained', 1]);
      expect(await capture(second.artifact_id)).toBe('flow_contained');
      const incident = await openIncident(OTHER.id);
      expect(await cli('incidents', 'show', incident)).toMatchObject({
        rule: 'exact.settlement_amount',
        causes: [{ kind: 'settlement', evidence: { granted: '1', reported: '9.00' } }],
      });
      expect(await byTwo('incidents', 'revoke', incident)).toMatchObject({ ok: true, state: 'done' });
      expect(await phase(OTHER.id)).toEqual([8, 'revoked', 1]);
      await proven();
      expect(await phase(OTHER.id)).toEqual([9, 'archived', 1]);
      expect(await spend('never', OTHER.id)).toMatchObject({ outcome: 'denied', code: 'mandate_revoked' });
      expect(await capture(second.artifact_id)).toBe('mandate_revoked');
    },
    LONG_MS,
  );

  it(
    'A42–A48: from any id all six relations lead to the root, every node with its leaf in the log',
    async () => {
      const { nodes: below } = await lineage(TEAM.id, '--down');
      const from = (kind: string): string =>
        // of what was authorized first
        below.findLast((node) => node.kind === kind)?.id ?? '';
      for (const id of ['outcome', 'settlement', 'artifact', 'decision', 'intent'].map(from)) {
        const { nodes, edges } = await lineage(id);
        const named = new Set(nodes.map((node) => `${node.kind}/${node.id}`));
        expect(edges.every(({ effect, cause }) => named.has(effect) && named.has(cause))).toBe(true);
        expect([...new Set(edges.map(({ relation }) => relation))].sort()).toEqual([...LINEAGE_RELATIONS].sort());
        for (const root of [`mandate/${TEAM.id}`, 'principal/acme', 'agent/buyer', 'policy/default'])
          expect(named).toContain(root);
      }
      const { nodes, tree_size: size } = await lineage(from('outcome'));
      const logged = nodes.filter(({ leaf_index: index }) => index !== null);
      const kinds = 'outcome settlement artifact decision intent verification mandate baseline policy key'.split(' ');
      expect(new Set<string>(logged.map(({ kind }) => kind))).toEqual(new Set(kinds));
      for (const node of logged) {
        const [[, leaf], [, proof]] = [await get(node.leaf_url ?? ''), await get(node.proof_url ?? '')];
        expect(leafHashOf(String(leaf.leaf)).toString('base64url')).toBe(node.leaf_hash);
        expect([leaf.leaf_index, proof.leaf_index, proof.tree_size]).toEqual([node.leaf_index, node.leaf_index, size]);
      }
    },
    LONG_MS,
  );

  it(
    'A42: from a mandate to all its descendants, page by page, and the same over HTTP for a person only',
    async () => {
      const found = new Map<string, string[]>();
      let place: string | null = null;
      do {
        const before: string[] = place === null ? [] : ['--before', place];
        const page: LineagePage = await lineage(TEAM.id, '--down', '--limit', '1', ...before);
        page.nodes.forEach(({ kind, id }) => found.set(kind, [...new Set([...(found.get(kind) ?? []), id])]));
        place = page.next;
      } while (place !== null);
      const stored = await rows<Record<string, string[]>>(
        `SELECT array(SELECT decision_id::text FROM decisions WHERE flow_id = $1 ORDER BY 1) AS decision,
           array(SELECT artifact_id::text FROM artifacts WHERE flow_id = $1 ORDER BY 1) AS artifact,
           array(SELECT incident_id::text FROM incidents WHERE flow_id = $1 ORDER BY 1) AS incident`,
        [OTHER.id],
      );
      for (const [kind, of] of Object.entries(stored[0] ?? {}))
        expect([kind, found.get(kind)?.sort()]).toEqual([kind, of]);
      expect(found.get('mandate')?.sort()).toEqual([TEAM.id, OTHER.id].sort());

      const path = `/v1/lineage/${OTHER.id}?direction=down&limit=200`;
      const { nodes } = await lineage(OTHER.id, '--down', '--limit', '200');
      expect(await get(path, world.domain.person('ada'))).toMatchObject([200, { nodes, has_more: false }]);
      expect(await get(path, world.domain.agent('buyer'))).toMatchObject([401, { code: 'key_unknown' }]);
      expect(await get('/v1/lineage/nothing', world.domain.person('ada'))).toMatchObject([404, {}]);
      expect(await get('/v1/lineage/%00', world.domain.person('ada'))).toMatchObject([404, {}]);
      expect(await get('/v1/lineage/nothing?direction=in', world.domain.person('ada'))).toMatchObject([400, {}]);
    },
    LONG_MS,
  );

  it(
    'E19, C16: bundles of both incidents and of the time between hold offline, and only a person may have them',
    async () => {
      const report = async (path: string): Promise<BundleReport> => {
        let answer: Awaited<ReturnType<typeof get>> | undefined;
        await until('a signed bundle', async () => (answer = await get(path, world.domain.person('ada')))[0] === 200);
        expect((await get(path, world.domain.agent('buyer')))[0]).toBe(404);
        const bundle = Buffer.from(canonicalize(JSON.parse(JSON.stringify(answer?.[1])))); // fetch has its own realm
        return verifyBundle({ bundle, replay: true });
      };
      const [first, second] = [await openIncident(MAIN.id), await openIncident(OTHER.id)];
      const drifted = await report(`/v1/bundles/incidents/${first}`);
      expect(drifted).toMatchObject({ kind: 'incident', valid: true, redacted: 0, replay: 'identical' });
      expect(drifted.statements.find(({ name }) => name === 'closing')?.detail).toContain('that of epoch 2');
      const { statements } = await report(`/v1/bundles/incidents/${second}`); // shown by a rail: no inputs to decide on
      expect(statements.filter(({ holds }) => !holds)).toEqual([]);
      expect(statements.find(({ name }) => name === 'closing')?.detail).toBe('revoked for good by ada and grace');
      const [{ from = '' } = {}] = await rows<{ from: string }>(
        `SELECT to_char(min(opened_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS from FROM incidents`,
      );
      const range = await report(`/v1/bundles/ranges?from=${from}&to=${new Date(Date.now() - 1).toISOString()}`);
      expect([range.kind, range.statements.filter(({ holds }) => !holds)]).toEqual(['range', []]);
    },
    LONG_MS,
  );

  it(
    'A35: after all of it the tables still say what the log says',
    async () => {
      const { statements } = await cli('verify', 'database');
      const all = statements as { name: string; holds: boolean; faults: unknown[] }[]; // as: the contract under test
      expect(all.length).toBeGreaterThan(10);
      // This spec planted its attestation results without their leaves, and that is all there is to find.
      expect(all.filter(({ holds }) => !holds)).toMatchObject([
        { name: 'attestations', faults: [{ subject: 'buyer', fault: 'not_in_log' }] },
      ]);
    },
    LONG_MS,
  );
});
