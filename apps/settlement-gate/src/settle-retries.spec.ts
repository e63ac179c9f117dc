import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signCanonical } from '@spendgate/artifact';
import { parseEvent } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { inControlAct, recordKeys, recordParties } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  signOutcome,
  signRequest,
  until,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import type { SettlementAnswer } from './settling/gate-item.js';
import { SettleRecords } from './settling/settle-records.js';

const LONG_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };

let world: TestRuntime;
let gate: GateParts;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([mandateClaim('main', { limits: LIMITS }), mandateClaim('halting', { limits: LIMITS })]);
  gate = createGateParts(world.as('spendgate_gate'));
}, LONG_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

async function ask(claims: object, parts = gate, signer: Signer = world.domain.settler): Promise<SettlementAnswer> {
  const answer = await parts.door.present(await signRequest(signer, claims));
  if (answer.kind !== 'settlement') throw new Error(`not a settlement: ${JSON.stringify(answer)}`);
  return answer;
}

const receipt = ({ receiptClaims }: SettlementAnswer): Promise<string> =>
  signCanonical(gate.receiptSigner, 'settlement-receipt+jwt', receiptClaims);

async function rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, values)).rows as T[]; // as: the query names its columns
}

describe('the same request again', () => {
  it('A22: re-signed ten minutes later and after a restart it returns the receipt, byte for byte', async () => {
    const artifact = await issueTestArtifact(world);
    const first = await ask(captureClaims(artifact, 'c', '5.00'));
    await rows(`UPDATE settlements SET judged_at = judged_at - interval '10 minutes' WHERE settlement_id = $1`, [
      first.settlementId,
    ]);
    const restarted = createGateParts(world.as('spendgate_gate'));
    const again = await ask(captureClaims(artifact, 'c', '5.00'), restarted);
    await restarted.events.stop();
    expect(again.replayed).toBe(true);
    expect(await receipt(again)).toBe(await receipt(first));
  });

  it('A22: over the other door it is answered by the same event, and nothing is settled twice', async () => {
    const artifact = await issueTestArtifact(world);
    const first = await ask(captureClaims(artifact, 'c', '5.00'));
    const token = await signRequest(world.domain.settler, captureClaims(artifact, 'c', '5.00'));
    const lane = await world.lane(TOPICS.settlementRequests);
    const [{ next } = { next: 0n }] = await rows<{ next: bigint }>('SELECT next FROM lanes WHERE lane_id = $1', [
      lane.laneId,
    ]);
    await new SettleRecords(gate).execute(
      batchOf(lane, [token], { topic: TOPICS.settlementRequests, firstOffset: next }),
    );
    let events: { value: Buffer }[] = [];
    await until('both events', async () => {
      events = await rows(
        `SELECT value FROM embedded_records WHERE topic = 'settlement-decisions.v1' AND headers->>'ce_id' LIKE $1`,
        [`${first.settlementId}/%`],
      );
      return events.length === 2;
    });
    expect(events[0]?.value.equals(events[1]?.value ?? Buffer.alloc(0))).toBe(true);
    expect(parseEvent('settlement-decisions.v1', events[0]?.value ?? Buffer.alloc(0))).toMatchObject({
      ok: true,
      event: { kind: 'decision', settlement_id: first.settlementId, outcome: 'authorized' },
    });
    expect(await rows('SELECT capturing::float8 FROM holds WHERE artifact_id = $1', [artifact.id])).toEqual([
      { capturing: 5 },
    ]);
  });

  it('repeats a final denial without deciding it again', async () => {
    const artifact = await issueTestArtifact(world);
    const first = await ask(captureClaims(artifact, 'c', '99.00'));
    const again = await ask(captureClaims(artifact, 'c', '99.00'));
    expect(first.code).toBe('amount_exceeds_artifact');
    expect(again).toEqual({ ...first, replayed: true });
  });
});

describe('another request under a used id', () => {
  it('is refused, and the recorded receipt stays', async () => {
    const artifact = await issueTestArtifact(world);
    const first = await ask(captureClaims(artifact, 'c', '5.00'));
    expect((await ask(captureClaims(artifact, 'c', '6.00'))).code).toBe('idempotency_conflict');
    expect((await ask(captureClaims(artifact, 'c', '6.00'))).replayed).toBe(true);
    expect(await receipt(await ask(captureClaims(artifact, 'c', '5.00')))).toBe(await receipt(first));
  });

  it('by a stranger never occupies the id of the rightful presenter', async () => {
    const rival = PrivateKeySigner.generate('settlement');
    await inControlAct(world.database.pool, async (act) => {
      await recordParties(act, [{ kind: 'settlement_service', id: 'rival', name: 'Rival' }]);
      const { kid, alg, jwk } = rival;
      await recordKeys(act, [{ kid, kind: 'settlement_service', partyId: 'rival', alg, jwk, activeFromMs: 0 }]);
    });
    const artifact = await issueTestArtifact(world);
    const theirs = await ask(captureClaims(artifact, 'c', '12.50', { iss: 'rival' }), gate, rival);
    expect(theirs).toMatchObject({ code: 'audience_mismatch' });
    expect(JSON.parse(theirs.receiptClaims)).toMatchObject({ money: null }); // a stranger learns nothing of the hold
    expect(await ask(captureClaims(artifact, 'c', '12.50'))).toMatchObject({ code: null, state: 'capturing' });
  });
});

describe('a refund asked by a service that captured nothing', () => {
  it('A27: tells it neither money nor checks, and leaves the id to who captured', async () => {
    const spy = PrivateKeySigner.generate('settlement');
    await inControlAct(world.database.pool, async (act) => {
      await recordParties(act, [{ kind: 'settlement_service', id: 'spy', name: 'Spy' }]);
      const { kid, alg, jwk } = spy;
      await recordKeys(act, [{ kid, kind: 'settlement_service', partyId: 'spy', alg, jwk, activeFromMs: 0 }]);
    });
    const artifact = await issueTestArtifact(world);
    await ask(captureClaims(artifact, 'c', '10.00'));
    const report = outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '10.00');
    await gate.door.present(await signOutcome(world.domain.settler, report));
    for (const guess of [{}, { counterparty: 'other' }, { merchant_reference: 'other' }]) {
      const theirs = await ask(refundClaims(artifact, 'none', 'r', '1.00', { iss: 'spy', ...guess }), gate, spy);
      expect(theirs).toMatchObject({ code: 'audience_mismatch', field: null });
      // as: the gate wrote these claims
      const { money, checks } = JSON.parse(theirs.receiptClaims) as { money: unknown; checks: Record<string, boolean> };
      expect([money, ...Object.values(checks)]).toEqual([null, ...Array<boolean>(8).fill(false)]);
    }
    expect(await ask(refundClaims(artifact, 'c', 'r', '1.00'))).toMatchObject({ code: null, state: 'refunding' });
  });
});

describe('a retryable denial', () => {
  it('I6: keeps its id to its body: another amount under it is a conflict, and decides nothing', async () => {
    const artifact = await issueTestArtifact(world, { status: 2 });
    expect((await ask(captureClaims(artifact, 'k', '1.00'))).code).toBe('artifact_suspended');
    expect((await ask(captureClaims(artifact, 'k', '2.00'))).code).toBe('idempotency_conflict');
    await rows('UPDATE artifacts SET status = 0 WHERE artifact_id = $1', [artifact.id]);
    expect((await ask(captureClaims(artifact, 'k', '2.00'))).code).toBe('idempotency_conflict');
    expect(await ask(captureClaims(artifact, 'k', '1.00'))).toMatchObject({ code: null, state: 'capturing' });
    const attempts = await rows(
      `SELECT attempt FROM settlements WHERE artifact_id = $1 AND action_id = 'k' AND
      code IS DISTINCT FROM 'idempotency_conflict' ORDER BY attempt`,
      [artifact.id],
    );
    expect(attempts).toEqual([{ attempt: 0 }, { attempt: 1 }]);
  });

  it('I6: is recorded a thousand times at most, however the codes alternate', async () => {
    const artifact = await issueTestArtifact(world, { status: 2 });
    const first = await ask(captureClaims(artifact, 'k', '1.00'));
    await rows('UPDATE settlements SET attempt = 1000 WHERE settlement_id = $1', [first.settlementId]);
    await rows(`UPDATE flows SET state = 'contained' WHERE flow_id = $1`, [artifact.flowId]);
    const again = await ask(captureClaims(artifact, 'k', '1.00'));
    await rows(`UPDATE flows SET state = 'executing' WHERE flow_id = $1`, [artifact.flowId]);
    expect(again).toEqual({ ...first, replayed: true });
  });

  it('E14: does not burn the id: the same request is granted once the flow is released', async () => {
    const artifact = await issueTestArtifact(world, { mandate: 'halting' });
    await rows(`UPDATE flows SET state = 'contained' WHERE flow_id = $1`, [artifact.flowId]);
    const denied = await ask(captureClaims(artifact, 'c', '5.00'));
    const still = await ask(captureClaims(artifact, 'c', '5.00'));
    expect(denied.code).toBe('flow_contained');
    expect(still).toEqual({ ...denied, replayed: true }); // one leaf for any number of tries
    await rows(`UPDATE flows SET state = 'executing' WHERE flow_id = $1`, [artifact.flowId]);
    expect(await ask(captureClaims(artifact, 'c', '5.00'))).toMatchObject({ code: null, replayed: false });
    const attempts = await rows('SELECT attempt, outcome FROM settlements WHERE artifact_id = $1 ORDER BY attempt', [
      artifact.id,
    ]);
    expect(attempts).toEqual([
      { attempt: 0, outcome: 'denied' },
      { attempt: 1, outcome: 'authorized' },
    ]);
  });
});

describe('a request outside its five minutes', () => {
  it.each([
    ['expired', { iat: -600, exp: -300 }, 'exp'],
    ['signed for next year', { iat: 31_536_000, exp: 31_536_300 }, 'iat'],
  ])('is refused when %s, but a repeat of what is recorded still gets its receipt', async (_word, at, field) => {
    const artifact = await issueTestArtifact(world);
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now + at.iat, exp: now + at.exp };
    const present = async (id: string) =>
      gate.door.present(await signRequest(world.domain.settler, captureClaims(artifact, id, '1.00', times)));
    expect(await present('new')).toMatchObject({ kind: 'refused', code: 'signature_invalid', field });
    await ask(captureClaims(artifact, 'known', '1.00'));
    expect(await present('known')).toMatchObject({ kind: 'settlement', replayed: true });
  });
});

describe('records of a partition', () => {
  it('decides in offset order within one transaction: capture, its outcome, a refund and its outcome', async () => {
    const lane = await world.lane(TOPICS.settlementRequests);
    const [{ next } = { next: 0n }] = await rows<{ next: bigint }>('SELECT next FROM lanes WHERE lane_id = $1', [
      lane.laneId,
    ]);
    const artifact = await issueTestArtifact(world);
    const { settler } = world.domain;
    const tokens = [
      await signRequest(settler, captureClaims(artifact, 'c', '10.00')),
      await signOutcome(settler, outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '10.00')),
      await signRequest(settler, refundClaims(artifact, 'c', 'r', '4.00')),
      await signOutcome(settler, outcomeClaims(artifact, { refund_id: 'r' }, 'completed', '4.00')),
      await signRequest(settler, refundClaims(artifact, 'c', 'again', '6.01')),
    ];
    const batch = batchOf(lane, tokens, { topic: TOPICS.settlementRequests, firstOffset: next });
    await new SettleRecords(gate).execute(batch);
    const found = await rows(
      `SELECT action_id AS id, state, code, refunding::float8, refunded::float8 FROM settlements
       WHERE artifact_id = $1 ORDER BY action_id`,
      [artifact.id],
    );
    expect(found).toEqual([
      { id: 'again', state: 'denied', code: 'amount_exceeds_artifact', refunding: 0, refunded: 0 },
      { id: 'c', state: 'captured', code: null, refunding: 0, refunded: 4 },
      { id: 'r', state: 'refunded', code: null, refunding: 0, refunded: 0 },
    ]);
  });

  it('answers each record, keeps rubbish as evidence and moves the offset with the effect', async () => {
    const lane = await world.lane(TOPICS.settlementRequests);
    const [{ next } = { next: 0n }] = await rows<{ next: bigint }>('SELECT next FROM lanes WHERE lane_id = $1', [
      lane.laneId,
    ]);
    const artifact = await issueTestArtifact(world);
    const good = await signRequest(world.domain.settler, captureClaims(artifact, 'c', '2.00'));
    const unsigned = await signRequest(PrivateKeySigner.generate('settlement'), captureClaims(artifact, 'd', '2.00'));
    const batch = batchOf(lane, ['rubbish', good, null, unsigned], {
      topic: TOPICS.settlementRequests,
      firstOffset: next,
    });
    await new SettleRecords(gate).execute(batch);
    const refused = await rows<{ code: string }>(
      'SELECT code FROM refusals WHERE lane_id = $1 AND lane_offset >= $2 ORDER BY lane_offset',
      [lane.laneId, next],
    );
    expect(refused.map(({ code }) => code)).toEqual(['malformed', 'malformed', 'key_unknown']);
    expect(await rows('SELECT next FROM lanes WHERE lane_id = $1', [lane.laneId])).toEqual([{ next: next + 4n }]);
    expect(await rows('SELECT capturing::float8 FROM holds WHERE artifact_id = $1', [artifact.id])).toEqual([
      { capturing: 2 },
    ]);
    const letters = await rows(`SELECT 1 FROM embedded_records WHERE topic = 'dead-letters.v1'`);
    expect(letters).toHaveLength(2);
    await expect(new SettleRecords(gate).execute(batch)).rejects.toThrow('ERR_LANE_LOST'); // decided already
  });
});
