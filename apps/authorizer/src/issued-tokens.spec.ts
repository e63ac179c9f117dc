import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signToken } from '@spendgate/artifact';
import { type PaymentIntentClaims, hashJsonText, parseClaims } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { readDecision } from '@spendgate/store';
import { type TestRuntime, batchOf, intentClaims, mandateClaim, openTestRuntime, signIntent } from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { EndParkedIntents } from './end-parked-intents.js';
import { DecisionAnswers } from './http/decision-answers.js';
import { RecordObservations } from './record-observations.js';

const NOW_MS = Date.now();
const NOW = Math.floor(NOW_MS / 1000);
/** Eight levels, each granted to the agent of the one above: the longest delegation chain there is. */
const CHAIN = Array.from({ length: 8 }, (_, depth) =>
  mandateClaim(depth === 0 ? 'main' : `level${depth}`, {
    depth,
    parent: depth === 0 ? null : mandateClaim(depth === 1 ? 'main' : `level${depth - 1}`).id,
    agent: depth % 2 === 0 ? 'buyer' : 'rival',
  }),
);
const ATTESTED = mandateClaim('attested', {
  environment: { max_age_seconds: 300, measurements: ['sha256:kernel', 'sha256:agent'] },
});
const ASKS = mandateClaim('asks', { approvals: { above: '10.00' } });
const DEEPEST = CHAIN.at(-1) ?? ASKS;
/** A new server may have to start first. */
const HOOK_MS = 60_000;

const INTENTS: Readonly<Record<string, Partial<PaymentIntentClaims>>> = {
  plain: {},
  shortest: { amount: { value: '0.01', currency: 'USD' }, reference: 'r', deadline: NOW + 60 },
  'several-captures': { capture: { mode: 'multi', max_captures: 1_000, settle_by: NOW + 80 * 86_400 } },
  'any-number': { capture: { mode: 'multi' } },
  partial: { capture: { mode: 'partial', settle_by: NOW + 600 } },
  'longest-texts': { reference: '\u{1f6d2}'.repeat(32), description: 'd'.repeat(140) },
  deepest: { iss: DEEPEST.agent ?? '', mandate: DEEPEST.id },
  attested: { mandate: ATTESTED.id },
  denied: { amount: { value: '1000.01', currency: 'USD' } },
  waits: { mandate: ASKS.id },
};

let world: TestRuntime;
let answers: DecisionAnswers;

beforeAll(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'rival'] });
  await world.domain.mandates([...CHAIN, ATTESTED, ASKS]);
  const parts = createAuthorizerParts(world.as('spendgate_authorizer'));
  const lane = await world.lane(TOPICS.paymentIntents);
  await new RecordObservations(parts).execute(
    batchOf(await world.lane(TOPICS.observations), [await attestation()], { topic: TOPICS.observations }),
  );
  const tokens = Object.entries(INTENTS).map(([jti, change]) => {
    const claims = intentClaims(jti, NOW_MS, change);
    return signIntent(world.domain.agent(claims.iss), claims);
  });
  await new AuthorizeBatch(parts).execute(batchOf(lane, await Promise.all(tokens), { appendedAtMs: NOW_MS }));
  await world.database.pool.query(`UPDATE parked_intents SET parked_until = clock_timestamp() - interval '1 ms'`);
  await new EndParkedIntents(parts).execute(lane);
  const { decision, artifact } = world.runtime.keys;
  if (decision === undefined || artifact === undefined) throw new Error('the test runtime has both keys');
  answers = new DecisionAnswers(world.database.pool, world.domain.issuer, { decision, artifact });
}, HOOK_MS);
afterAll(() => world.close());

function attestation(): Promise<string> {
  const common = { iss: 'attester', aud: world.domain.issuer, iat: NOW, exp: NOW + 300, jti: 'attestation-1' };
  return signToken(world.domain.attester, 'attestation-result+jwt', {
    ...common,
    sub: 'buyer',
    eat_nonce: 'bm9uY2Utbm9uY2U',
    ueid: 'AWluc3RhbmNlLTE',
    measurements: ['sha256:agent'],
    dbgstat: 'disabled-since-boot',
    'ear.status': 'affirming',
    evidence_hash: hashJsonText('evidence'),
  });
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

describe('what the authorizer signs', () => {
  it('A1–A10: the claims of every artifact it issues are of its own published schema', async () => {
    const issued = await rows<{ claims: string }>('SELECT claims FROM artifacts ORDER BY status_idx');
    const problems = issued.map(({ claims }) => parseClaims('authorization-artifact+jwt', JSON.parse(claims)));
    expect(problems.filter((each) => !each.ok)).toEqual([]);
    expect(issued).toHaveLength(Object.keys(INTENTS).length - 2);
    expect(issued.map(({ claims }) => claims).join()).toContain('"measurement":"sha256:agent"');
  });

  it('A12–A17: every decision is of its own published schema, whatever came out, with six stages', async () => {
    const found = await rows<{ decision_id: string }>('SELECT decision_id FROM decisions');
    const read = await Promise.all(found.map(({ decision_id: id }) => readDecision(world.database.pool, id)));
    const views = read.flatMap((view) => view ?? []);
    expect(new Set(views.map(({ outcome }) => outcome))).toEqual(new Set(['authorized', 'denied', 'parked']));
    const key = world.runtime.keys.decision;
    for (const view of views) {
      const { body } = await answers.answer(view, false);
      const token = String(body['decision']);
      const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      const parsed = parseClaims('decision+jwt', claims);
      expect(parsed).toMatchObject({ ok: true, claims: { outcome: view.outcome, supersedes: view.supersedes } });
      expect(parsed.ok && parsed.claims.stages).toHaveLength(6);
      expect(key?.kid).toBe(decodeHeader(token)['kid']);
    }
  });
});

function decodeHeader(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<string, unknown>; // as: a JWS header
}
