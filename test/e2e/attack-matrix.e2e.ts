import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { settlementId } from '@spendgate/codec';
import { outcomeClaims, readArtifact } from '@spendgate/client';
import type { Attack } from './harness/attacks/attack.js';
import { type AuthorityDoor, authorityDoors } from './harness/attacks/authority.js';
import {
  type HonestRequest,
  characterMatrix,
  memberMatrix,
  truncations,
  typeMatrix,
} from './harness/attacks/matrix.js';
import { sealed } from './harness/forge.js';
import { answerOf, post } from './harness/http-door.js';
import { INPUTS_ISSUER, type InputsWorld, openInputsWorld, smallIntent } from './harness/inputs-world.js';
import { REQUEST, captureOf, issueArtifact } from './harness/settlement-blocks.js';

const MINUTES = 60_000;
/** Requests under way at once: a door must not mix two of them up either. */
const AT_ONCE = 16;
/** A number with a fraction is no JSON of ours at all, and an id that is no text is a wrong one: both stand before. */
const NO_ARTIFACT = { artifact: ['artifact_missing', 'malformed'], 'artifact.id': ['artifact_missing', 'malformed'] };

/** One change to one honest request, for every claim, member and character there is. */
describe('requests with one thing wrong', () => {
  let world: InputsWorld;
  let artifact: string;
  /** A settlement that waits for its outcome. */
  let captured: string;
  let authority: Readonly<Record<string, AuthorityDoor>>;
  let sent = 0;
  let made = 0;

  beforeAll(async () => {
    world = await openInputsWorld();
    artifact = await issueArtifact(world, 'matrix');
    authority = await authorityDoors(world);
    captured = settlementId(readArtifact(artifact).reference.id, 'capture', 'captured');
    const first = await sealed(world.parties.settler, REQUEST, captureOf(readArtifact(artifact), 'captured'));
    expect(answerOf(await post(`${world.service.url}/v1/settlements`, first))).toBe('authorized');
  }, 2 * MINUTES);

  afterAll(async () => {
    await world?.stop();
  }, MINUTES);

  const next = (family: string): string => `${family}-${(made += 1)}`;

  const intent = (): HonestRequest => ({
    family: 'intent',
    typ: 'payment-intent+jwt',
    signer: world.parties.buyer,
    claims: () => smallIntent(next('matrix'), world.mandate('attacks')),
    optional: ['deadline', 'description', 'purchased_at', 'evidence', 'max_captures', 'settle_by'],
    codes: {},
  });
  const capture = (): HonestRequest => ({
    family: 'capture',
    typ: REQUEST,
    signer: world.parties.settler,
    claims: () => ({ ...captureOf(readArtifact(artifact), next('matrix')) }),
    optional: ['final', 'void_id', 'refund_id'],
    codes: NO_ARTIFACT,
  });
  const outcome = (): HonestRequest => ({
    family: 'outcome',
    typ: 'settlement-outcome+jwt',
    signer: world.parties.settler,
    claims: () => {
      const signing = { party: 'settler', issuer: INPUTS_ISSUER, nowSeconds: Math.floor(Date.now() / 1000) };
      const report = {
        of: { captureId: 'captured' },
        outcome: 'completed',
        value: '0.01',
        occurredAtSeconds: signing.nowSeconds,
      } as const;
      return { ...outcomeClaims(readArtifact(artifact), report, signing) };
    },
    optional: ['rail_reference', 'refund_id'],
    codes: {},
  });

  const doorOf = (name: string): AuthorityDoor => {
    const door = authority[name];
    if (door === undefined) throw new Error(`no door of ${name}`);
    return door;
  };
  type Door = readonly [string, () => HonestRequest, () => string, number];
  const authorityDoor = (name: string): Door => [name, () => doorOf(name).honest, () => doorOf(name).path, 5];
  /** The last: of how many requests one is sent. The doors of authority share their parser with the others. */
  const DOORS: readonly Door[] = [
    ['intents', intent, () => '/v1/payment-intents', 1],
    ['captures', capture, () => '/v1/settlements', 1],
    ['outcomes', outcome, () => `/v1/settlements/${captured}/outcome`, 1],
    ...['mandates', 'observations', 'key transitions', 'renewals', 'ops acts', 'revocations'].map(authorityDoor),
  ];
  const MATRICES = [
    ['claims of another JSON type, or left out', typeMatrix],
    ['members nobody asked for', memberMatrix],
    ['A19: tokens with one other character', characterMatrix],
    ['tokens that stop early', truncations],
  ] as const;

  /** @returns a line for each answer that is not the right one */
  async function wrong(url: string, attacks: readonly Attack[]): Promise<string[]> {
    const found: string[] = [];
    const queue = [...attacks];
    const worker = async (): Promise<void> => {
      for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
        const answer = answerOf(await post(url, each.body, { prefer: 'wait=30' }));
        if (!each.answers.includes(answer)) found.push(`${each.name}: ${answer}, not ${each.answers.join(' or ')}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return found;
  }

  /** Everything that money or authority could have moved by. */
  async function effects(): Promise<unknown> {
    const { rows } = await world.pool.query(
      `SELECT (SELECT count(*) FROM artifacts)::int AS artifacts, (SELECT count(*) FROM settlements)::int AS settlements,
         (SELECT count(*) FROM decisions)::int AS decisions, (SELECT count(*) FROM mandate_versions)::int AS mandates,
         (SELECT count(*) FROM attestations)::int AS attestations, (SELECT count(*) FROM party_keys)::int AS keys,
         (SELECT count(*) FROM ops_acts)::int AS acts, (SELECT count(*) FROM halts)::int AS halts,
         (SELECT sum(held)::text || ' ' || sum(capturing)::text || ' ' || sum(captured)::text FROM holds) AS money`,
    );
    return rows;
  }

  describe.each(DOORS)('at the door of %s', (_door, honest, path, every) => {
    it.each(MATRICES)(
      '%s: each has its code, and nothing is decided, held or moved',
      async (_matrix, make) => {
        const before = await effects();
        const attacks = (await make(honest())).filter((_, index) => index % every === 0);
        sent += attacks.length;
        expect(await wrong(`${world.service.url}${path()}`, attacks)).toEqual([]);
        expect(await effects()).toEqual(before);
      },
      2 * MINUTES,
    );
  });

  it.each(DOORS)(
    '%s with nothing wrong are taken, so it was the one change that was refused',
    async (_door, honest, path) => {
      const request = honest();
      const answer = await post(
        `${world.service.url}${path()}`,
        await sealed(request.signer, request.typ, request.claims()),
        {
          prefer: 'wait=30',
        },
      );
      expect([answer.status, answer.body['code'] ?? null]).toEqual([expect.any(Number), null]);
      expect(answer.status).toBeLessThan(300);
    },
  );

  it('at least 3,000 were sent, and the same process is ready without an error on record', async () => {
    expect(sent).toBeGreaterThanOrEqual(3_000);
    expect((await fetch(`${world.service.url}/readyz`)).status).toBe(200);
    expect(world.service.output()).not.toMatch(/"level":(50|60)/); // error or fatal
  });
});
