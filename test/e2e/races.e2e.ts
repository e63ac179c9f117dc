import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readPartySigner } from '@spendgate/artifact';
import { SpendgateClient } from '@spendgate/client';
import { type Pool, createPool, inControlAct, revokeIssuedArtifacts } from '@spendgate/store';
import { type ComposedRoles, ROLES_ISSUER, ROLES_MANDATE, startComposedRoles } from './harness/composed-roles.js';
import { type KafkaServer, kafkaAvailable, startKafka } from './harness/kafka.js';

const MINUTES = 60_000;
const available = kafkaAvailable();
const test = available ? it : it.skip;

const ROUNDS = 20;
const CAPTURES = 1_000;
/** Cents of each round's budget and of each of its captures: none of the quotients is a whole number. */
const BUDGET_CENTS = 5_000;
const REVOCATIONS = 2_000;
/** Artifacts raced over at once: enough that acts and captures wait for each other's locks. */
const RACES_AT_ONCE = 8;

const usd = (cents: number): string => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;

/** Works through a list, some at a time. */
async function eachOf<T>(items: readonly T[], atOnce: number, act: (item: T, index: number) => Promise<void>) {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await act(items[index] as T, index); // as: in bounds
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

describe('captures that race, at three gate processes on Kafka and PostgreSQL', () => {
  let kafka: KafkaServer;
  let roles: ComposedRoles;
  let pool: Pool;
  let agent: SpendgateClient;
  let gates: SpendgateClient[];

  beforeAll(async () => {
    if (!available) return;
    kafka = await startKafka();
    const settings = {
      // One machine asks a thousand times at once: that is the test, not an attack.
      SPENDGATE_SOURCE_REQUESTS_PER_SECOND: '1000000',
      SPENDGATE_PRESENTER_REQUESTS_PER_SECOND: '1000000',
    };
    roles = await startComposedRoles(kafka, { total: '1000000.00', settings });
    const running = [roles.gate, await roles.addGate(), await roles.addGate()];
    pool = createPool(roles.databaseUrl, { connectionsMax: 4, applicationName: 'races test' });
    const buyer = await readPartySigner(roles.agentKeys, 'buyer', 'agent');
    if (buyer === undefined) throw new Error('no key was made for the agent');
    const issuer = ROLES_ISSUER;
    agent = new SpendgateClient({ url: roles.authorizer.url, issuer, party: 'buyer', signer: buyer });
    gates = running.map(({ url }) => new SpendgateClient({ url, issuer, party: 'settler', signer: roles.settler }));
  }, 3 * MINUTES);

  afterAll(async () => {
    await pool?.end();
    await roles?.stop();
    await kafka?.stop();
  }, MINUTES);

  async function artifactOf(jti: string, cents: number): Promise<{ id: string; token: string }> {
    const { status, body } = await agent.requestPayment({
      jti,
      mandate: ROLES_MANDATE,
      amount: { value: usd(cents), currency: 'USD' },
      counterparty: 'shop',
      audience: 'settler',
      capture: { mode: 'multi' },
      reference: 'races',
    });
    const { artifact, artifact_id: id } = body;
    if (typeof artifact !== 'string' || typeof id !== 'string') throw new Error(`${status} ${JSON.stringify(body)}`);
    return { id, token: artifact };
  }

  /** Presents to one of the gates; the code, or `captured` where it was granted. */
  async function capture(token: string, captureId: string, cents: number, gate: number): Promise<string> {
    const client = gates[gate % gates.length];
    if (client === undefined) throw new Error('no gate runs');
    const { status, body } = await client.settle(token, { action: 'capture', captureId, value: usd(cents) });
    if (typeof body['code'] === 'string') return body['code'];
    return status === 201 ? 'captured' : `status ${status}`;
  }

  async function capturing(artifactId: string): Promise<string> {
    const { rows } = await pool.query<{ cents: string }>(
      'SELECT trunc(capturing * 100)::text AS cents FROM holds WHERE artifact_id = $1',
      [artifactId],
    );
    return rows[0]?.cents ?? 'no hold';
  }

  test(
    `I1: of ${CAPTURES} concurrent captures exactly ⌊limit / amount⌋ are granted, ${ROUNDS} rounds`,
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const cents = 53 + round * 17;
        const { id, token } = await artifactOf(`budget-${round}`, BUDGET_CENTS);
        const asked = Array.from({ length: CAPTURES }, (_, index) => capture(token, `c-${index}`, cents, index));
        const answers = await Promise.all(asked);
        const granted = Math.floor(BUDGET_CENTS / cents);
        const counts = { captured: granted, amount_exceeds_artifact: CAPTURES - granted };
        expect([round, tally(answers), await capturing(id)]).toEqual([round, counts, String(granted * cents)]);
      }
    },
    10 * MINUTES,
  );

  test(
    `E2, I7: of captures racing a revocation none is granted after it returned, ${REVOCATIONS} times, its time measured`,
    async () => {
      const artifacts: { id: string; token: string }[] = [];
      await eachOf(Array.from({ length: REVOCATIONS }), 2 * RACES_AT_ONCE, async (_, index) => {
        artifacts.push(await artifactOf(`revoked-${index}`, 100));
      });
      const wrong: string[] = [];
      const orders = [0, 0, 0];
      const tookMs: number[] = [];
      await eachOf(artifacts, RACES_AT_ONCE, async ({ id, token }, index) => {
        const revoke = async (): Promise<void> => {
          const startedAt = performance.now();
          await inControlAct(pool, (act) => revokeIssuedArtifacts(act, [id], 'races test'));
          tookMs.push(performance.now() - startedAt);
        };
        const ask = (gate: number): Promise<string> => capture(token, `early-${gate}`, 1, gate);
        // The act goes first, in the middle or last, so that each meets the others at another step.
        const racing: Promise<string>[] = Array.from({ length: index % 4 }, (_, gate) => ask(gate));
        const revoked = revoke();
        racing.push(...Array.from({ length: 3 - (index % 4) }, (_, gate) => ask(gate + (index % 4))));
        await revoked;
        const late = await Promise.all([0, 1, 2].map((gate) => capture(token, `late-${gate}`, 1, gate)));
        const early = await Promise.all(racing);
        const granted = early.filter((answer) => answer === 'captured').length;
        orders[granted === 0 ? 0 : granted === early.length ? 2 : 1]! += 1;
        const others = early.filter((answer) => answer !== 'captured' && answer !== 'artifact_revoked');
        if (late.some((answer) => answer !== 'artifact_revoked')) wrong.push(`${id}: then ${late.join(', ')}`);
        if (others.length > 0) wrong.push(`${id}: ${others.join(', ')}`);
        if ((await capturing(id)) !== String(granted)) wrong.push(`${id}: ${granted} answered, other money on record`);
      });
      tookMs.sort((a, b) => a - b);
      const [half = NaN, most = NaN] = [0.5, 0.99].map((share) => tookMs[Math.floor(tookMs.length * share)]);
      process.stdout.write(`revocation beside captures: p50 ${half.toFixed(1)} ms, p99 ${most.toFixed(1)} ms\n`);
      expect(wrong).toEqual([]);
      // All three ways it can end were met, so the two did race.
      expect(orders.every((times) => times > 0)).toBe(true);
    },
    15 * MINUTES,
  );
});

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
