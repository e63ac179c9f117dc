import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { EVERYTHING } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import { type OpsAnswer, readBlastRadius, readStatusEntries, takeOpsAct } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  TEST_ISSUER,
  approvingClaims,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  opsClaims,
  signOpsAct,
  signRequest,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';

const LONG_MS = 240_000;
/** Races per scope; the end-to-end run makes two thousand. */
const ROUNDS = 25;
const PEOPLE = { ada: ['operator', 'approver'], grace: ['operator', 'approver'], olga: ['operator'] };
const ROOT = mandateClaim('root', { agent: null });
const under = (name: string, agent = 'buyer') => mandateClaim(name, { parent: ROOT.id, depth: 1, agent });

let world: TestRuntime;
let gates: GateParts[];

beforeAll(async () => {
  const agents = ['buyer', 'doomed', ...Array.from({ length: ROUNDS }, (_, n) => `agent-${n}`)];
  world = await openTestRuntime({ settings: GATE_SETTINGS, agents, people: PEOPLE });
  const raced = Array.from({ length: ROUNDS }, (_, n) => [under(`mandate-${n}`), under(`by-${n}`, `agent-${n}`)]);
  await world.domain.mandates([ROOT, under('main'), under('doomed', 'doomed'), ...raced.flat()]);
  gates = [1, 2].map(() => createGateParts(world.as('spendgate_gate')));
}, LONG_MS);
afterAll(async () => {
  for (const gate of gates) await gate.events.stop();
  await world.close();
}, LONG_MS);

let turn = 0;
async function capture(artifact: IssuedTestArtifact, amount = '0.01'): Promise<string> {
  turn += 1;
  const token = await signRequest(world.domain.settler, captureClaims(artifact, `c${turn}`, amount));
  const answer = await gates[turn % gates.length]?.door.present(token);
  if (answer === undefined || answer.kind === 'outcome') throw new Error('no settlement answer');
  return answer.code ?? (answer.kind === 'settlement' ? answer.state : '');
}

interface Target {
  readonly kind: string;
  readonly id: string;
}

async function act(person: string, action: string, target: Target): Promise<OpsAnswer> {
  const claims = opsClaims(person, action, [target]);
  return takeOpsAct(world.database.pool, await signOpsAct(world.domain.person(person), claims));
}

/** By two people. */
async function both(action: string, target: Target): Promise<OpsAnswer> {
  const first = opsClaims('ada', action, [target]);
  const asked = await takeOpsAct(world.database.pool, await signOpsAct(world.domain.person('ada'), first));
  if (!asked.ok) return asked;
  const second = approvingClaims('grace', first, asked.act);
  return takeOpsAct(world.database.pool, await signOpsAct(world.domain.person('grace'), second));
}

async function rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, values)).rows as T[]; // as: the query names its columns
}

/** As the status list says it: by place. */
async function statusOf(artifact: IssuedTestArtifact): Promise<number> {
  const { idx } = artifact.claims.status.status_list;
  const place = { partition: 0, first: 0, end: 1_000_000 };
  const { name, laneId } = await world.lane(TOPICS.paymentIntents);
  await rows('UPDATE lanes SET next = 1000000 WHERE lane_id = $1', [laneId]); // issued by the fixture, not from the log
  const entries = await readStatusEntries(world.database.pool, name, place);
  return entries?.find((entry) => entry.idx === idx)?.status ?? 0;
}

const WIDE: readonly (readonly [string, string])[] = [
  ['agent', 'buyer'],
  ['counterparty', 'shop'],
  ['mandate', ROOT.id],
  ['mandate', namedId('main')],
  ['principal', 'acme'],
  ['domain', TEST_ISSUER],
  ['all', EVERYTHING],
];

describe('a halt', () => {
  it.each(WIDE)(
    'E8: of scope %s stops captures at once and shows on the status list, until two people release it',
    async (kind, id) => {
      const artifact = await issueTestArtifact(world);
      expect([await capture(artifact), await statusOf(artifact)]).toEqual(['capturing', 0]);
      expect(await act('olga', 'halt', { kind, id })).toMatchObject({
        ok: true,
        changes: [{ kind, id, change: 'halted' }],
      });
      expect([await capture(artifact), await statusOf(artifact)]).toEqual(['flow_contained', 2]);
      expect(await act('ada', 'release', { kind, id })).toMatchObject({ ok: true, state: 'waiting', changes: [] });
      expect(await capture(artifact)).toBe('flow_contained');
      expect(await both('release', { kind, id })).toMatchObject({ ok: true, state: 'done' });
      expect([await capture(artifact), await statusOf(artifact)]).toEqual(['capturing', 0]);
    },
  );

  it('E8: of one artifact leaves its flow alone', async () => {
    const [halted, other] = [await issueTestArtifact(world), await issueTestArtifact(world)];
    const target = { kind: 'artifact', id: halted.id };
    await act('olga', 'halt', target);
    expect([await capture(halted), await capture(other)]).toEqual(['artifact_suspended', 'capturing']);
    await both('release', target);
    expect(await capture(halted)).toBe('capturing');
  });

  it('E16: of a flow contains it: artifacts suspended, an incident opened, its steps in the log', async () => {
    const own = under('contained');
    await world.domain.mandates([own]);
    const artifact = await issueTestArtifact(world, { mandate: own.id });
    await act('olga', 'halt', { kind: 'flow', id: own.id });
    expect([await capture(artifact), await statusOf(artifact)]).toEqual(['flow_contained', 2]);
    expect(await rows('SELECT state FROM flows WHERE flow_id = $1', [own.id])).toEqual([{ state: 'contained' }]);
    expect(
      await rows('SELECT kind, rule FROM incident_causes JOIN incidents USING (incident_id, rule) WHERE flow_id = $1', [
        own.id,
      ]),
    ).toEqual([{ kind: 'operator', rule: 'operator.halt' }]);
    const steps = await rows<{ event: string }>(
      `SELECT payload::json ->> 'event' AS event FROM leaves
       WHERE leaf::json ->> 'type' = 'flow_transition' AND payload::json ->> 'flow' = $1 ORDER BY lane_id, seq`,
      [own.id],
    );
    expect(steps.map(({ event }) => event).slice(-2)).toEqual(['drift_found', 'flow_contained']);
  });

  it('E8: its blast radius is known before: flows, live holds, money', async () => {
    const own = under('radius', 'doomed');
    await world.domain.mandates([own]);
    await issueTestArtifact(world, { mandate: own.id, amount: '3.25' });
    await issueTestArtifact(world, { mandate: own.id, amount: '4.00' });
    const reached = { currency: 'USD', flows: 1, holds: 2, held: '7.25', capturing: '0' };
    expect(await readBlastRadius(world.database.pool, 'flow', own.id)).toEqual([reached]);
    expect(await readBlastRadius(world.database.pool, 'mandate', own.id)).toEqual([reached]);
    expect(await readBlastRadius(world.database.pool, 'agent', 'doomed')).toEqual([{ ...reached, flows: 2 }]);
    expect(await readBlastRadius(world.database.pool, 'agent', 'nobody')).toEqual([]);
  });
});

describe('a revocation', () => {
  it('of an agent halts with one signature and is final with two: mandates, holds and artifacts end, nothing brings it back', async () => {
    const artifact = await issueTestArtifact(world, { mandate: 'doomed', amount: '5.00' });
    const target = { kind: 'agent', id: 'doomed' };
    const first = opsClaims('ada', 'revoke', [target]);
    const asked = await takeOpsAct(world.database.pool, await signOpsAct(world.domain.person('ada'), first));
    expect(asked).toMatchObject({ ok: true, state: 'waiting', changes: [{ change: 'halted' }] });
    expect(await capture(artifact)).toBe('flow_contained');
    const request = asked.ok ? asked.act : '';
    const second = await signOpsAct(world.domain.person('grace'), approvingClaims('grace', first, request));
    expect(await takeOpsAct(world.database.pool, second)).toMatchObject({ ok: true, state: 'done' });
    expect([await capture(artifact), await statusOf(artifact)]).toEqual(['mandate_revoked', 1]);
    expect(await rows('SELECT held::float8, ended FROM holds WHERE artifact_id = $1', [artifact.id])).toEqual([
      { held: 0, ended: true },
    ]);
    expect(await both('release', target)).toMatchObject({ ok: true, changes: [] });
    expect(await capture(artifact)).toBe('mandate_revoked');
  });

  it('of a payee frees what is still held for it', async () => {
    const artifact = await issueTestArtifact(world, { counterparty: 'casino', amount: '6.00' });
    expect(await both('revoke', { kind: 'counterparty', id: 'casino' })).toMatchObject({ ok: true, state: 'done' });
    expect(await capture(artifact)).toBe('flow_contained');
    expect(await rows('SELECT held::float8, ended FROM holds WHERE artifact_id = $1', [artifact.id])).toEqual([
      { held: 0, ended: true },
    ]);
  });

  it.each([
    ['artifact', (_: number, artifact: IssuedTestArtifact) => ({ kind: 'artifact', id: artifact.id }), 'revoke'],
    ['mandate', (n: number) => ({ kind: 'mandate', id: namedId(`mandate-${n}`) }), 'revoke'],
    ['agent', (n: number) => ({ kind: 'agent', id: `agent-${n}` }), 'revoke'],
    ['flow', (n: number) => ({ kind: 'flow', id: namedId(`by-${n}`) }), 'halt'],
  ] as const)(
    `I7: of a captured %s, ${ROUNDS} races: nothing is granted after the act returned`,
    async (kind, targetOf, action) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const mandate = kind === 'artifact' ? 'main' : kind === 'mandate' ? `mandate-${round}` : `by-${round}`;
        const artifact = await issueTestArtifact(world, { mandate, amount: '1.00', maxCaptures: 50 });
        const token = await signOpsAct(
          world.domain.person('ada'),
          opsClaims('ada', action, [targetOf(round, artifact)]),
        );
        const racing = Array.from({ length: 6 }, () => capture(artifact));
        const acted = await takeOpsAct(world.database.pool, token);
        const late = await Promise.all([capture(artifact), capture(artifact)]);
        expect([acted.ok, late.includes('capturing')]).toEqual([true, false]);
        const granted = (await Promise.all(racing)).filter((word) => word === 'capturing').length;
        expect(await rows('SELECT capture_count AS count FROM holds WHERE artifact_id = $1', [artifact.id])).toEqual([
          { count: granted },
        ]);
      }
    },
    LONG_MS,
  );
});

describe('who may', () => {
  const target = { kind: 'counterparty', id: 'shop' };
  const take = (signer: Parameters<typeof signOpsAct>[0], claims: object) =>
    signOpsAct(signer, claims).then((token) => takeOpsAct(world.database.pool, token));

  it('E26: an agent, a settlement service and a key nobody registered can do none of it', async () => {
    const claims = opsClaims('buyer', 'halt', [target]);
    for (const signer of [world.domain.agent('buyer'), world.domain.settler, PrivateKeySigner.generate('person')]) {
      expect(await take(signer, claims)).toMatchObject({ ok: false, because: 'unverified' });
    }
    // A person's name under an agent's key.
    expect(await take(world.domain.agent('buyer'), { ...claims, iss: 'ada' })).toMatchObject({ ok: false });
    expect(await rows(`SELECT 1 FROM halts WHERE target_id = 'shop' AND released_at IS NULL`)).toEqual([]);
  });

  it('I10: nobody approves their own request, nor one that was changed, and who is no approver approves none', async () => {
    await act('ada', 'halt', target);
    const first = opsClaims('ada', 'release', [target]);
    const asked = await take(world.domain.person('ada'), first);
    const request = asked.ok ? asked.act : '';
    const own = await take(world.domain.person('ada'), approvingClaims('ada', first, request));
    const noApprover = await take(world.domain.person('olga'), approvingClaims('olga', first, request));
    const other = await take(world.domain.person('grace'), {
      ...approvingClaims('grace', first, request),
      targets: [{ kind: 'counterparty', id: 'casino', version: null }],
    });
    expect([own, noApprover, other]).toEqual([
      { ok: false, because: 'forbidden', problem: 'same_person' },
      { ok: false, because: 'forbidden', problem: 'approver_not_approver' },
      { ok: false, because: 'invalid', problem: 'the signature is for another act' },
    ]);
    expect(await both('release', target)).toMatchObject({ ok: true });
  });

  it('I6: the same act again changes nothing and has the same answer; another under its jti is a conflict', async () => {
    const claims = opsClaims('olga', 'halt', [target]);
    const first = await take(world.domain.person('olga'), claims);
    const token = await signOpsAct(world.domain.person('olga'), claims);
    expect(await takeOpsAct(world.database.pool, token)).toEqual({ ...first, replayed: true });
    const altered = await take(world.domain.person('olga'), { ...claims, reason: 'another' });
    expect(altered).toMatchObject({ ok: false, because: 'conflict' });
    await both('release', target);
  });

  it('acts nobody knows, on kinds they cannot name, or of several kinds are refused', async () => {
    const artifact = { kind: 'artifact', id: namedId('none') };
    const answers = [
      await act('ada', 'pardon', target),
      await act('ada', 'release', { kind: 'flow', id: namedId('main') }),
      await act('ada', 'halt', { kind: 'artifact', id: 'x' }),
      await act('ada', 'halt', { kind: 'all', id: 'x' }),
      await take(world.domain.person('ada'), opsClaims('ada', 'halt', [target, artifact])),
    ];
    expect(answers.map((answer) => (answer.ok ? 'taken' : answer.because))).toEqual(Array(5).fill('invalid'));
  });
});
