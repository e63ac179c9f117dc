import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Signer, signHttpRequest } from '@spendgate/artifact';
import { readArtifact } from '@spendgate/client';
import type { Attack } from './harness/attacks/attack.js';
import { counterpartyAttacks, moneyAttacks, partyAttacks, timeAttacks } from './harness/attacks/claims.js';
import { signatureAttacks, spellingAttacks } from './harness/attacks/encodings.js';
import { algorithmAttacks, headerAttacks, keyIdAttacks, typeAttacks } from './harness/attacks/headers.js';
import { jsonAttacks } from './harness/attacks/json.js';
import { type VictimIds, objectAttacks, signatureReadAttacks } from './harness/attacks/reads.js';
import { captureAttacks, crossedAttacks, refundAttack } from './harness/attacks/settlements.js';
import { sealed } from './harness/forge.js';
import { answerOf, post, readAnswer } from './harness/http-door.js';
import { type InputsWorld, openInputsWorld, smallIntent } from './harness/inputs-world.js';
import { captureOf, issueArtifact, REQUEST } from './harness/settlement-blocks.js';

const MINUTES = 60_000;
const INTENT = 'payment-intent+jwt';

/** Sends one family through a door. @returns a line for each answer that is not the right one */
async function repelled(url: string, attacks: readonly Attack[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, body, answers } of attacks) {
    const answer = answerOf(await post(url, body, { prefer: 'wait=30' }));
    if (!answers.includes(answer)) wrong.push(`${name}: ${answer}, not ${answers.join(' or ')}`);
  }
  return wrong;
}

describe('attacks on the HTTP doors', () => {
  let world: InputsWorld;
  let trap: Server;
  let fetched = 0;
  let sent = 0;
  let intents: string;
  let settlements: string;
  let artifact: string;
  let ids: VictimIds;

  beforeAll(async () => {
    world = await openInputsWorld();
    intents = `${world.service.url}/v1/payment-intents`;
    settlements = `${world.service.url}/v1/settlements`;
    trap = createServer((_, response) => {
      fetched += 1;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(trap, 'listening');
    artifact = await issueArtifact(world, 'victim');
    ids = await makeVictim();
  }, 2 * MINUTES);

  afterAll(async () => {
    trap?.close();
    await world?.stop();
  }, MINUTES);

  /** An intent, its decision and a capture: what another tenant would like to see. */
  async function makeVictim(): Promise<VictimIds> {
    const mandate = world.mandate('settling');
    const token = await sealed(world.parties.buyer, INTENT, smallIntent('victim-read', mandate));
    const { body } = await post(intents, token, { prefer: 'wait=30' });
    const capture = captureOf(readArtifact(String(body['artifact'])), 'victim-capture');
    const settled = await post(settlements, await sealed(world.parties.settler, REQUEST, capture));
    return {
      jti: 'victim-read',
      mandate,
      decisionId: String(body['decision_id']),
      artifactId: String(body['artifact_id']),
      settlementId: String(settled.body['settlement_id']),
    };
  }

  const artifactsIssued = async (): Promise<number> => {
    const { rows } = await world.pool.query<{ n: string }>('SELECT count(*) AS n FROM artifacts');
    return Number(rows[0]?.n);
  };
  const moneyMoved = async (): Promise<unknown> => {
    const { rows } = await world.pool.query(
      'SELECT sum(capturing + captured)::text AS moved, sum(held)::text AS held FROM holds',
    );
    return rows;
  };
  const trapUrl = (): string => `http://127.0.0.1:${(trap.address() as AddressInfo).port}`; // as: a TCP server's address
  const domainKids = async (): Promise<string[]> => {
    const { keys } = (await (await fetch(`${world.service.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    return keys.map(({ kid }) => kid);
  };

  const FAMILIES: [string, () => Promise<Attack[]>][] = [
    ['A19: algorithms that are not the key’s', () => algorithmAttacks(world)],
    ['A19: headers that bring or name a key', () => headerAttacks(world, trapUrl())],
    ['objects of another type', () => typeAttacks(world)],
    ['A19: key ids that are paths, queries and others’ keys', async () => keyIdAttacks(world, await domainKids())],
    ['other spellings of a token', () => spellingAttacks(world)],
    ['A19: other signatures', () => signatureAttacks(world)],
    ['JSON that two parsers read differently', () => jsonAttacks(world)],
    ['times that are none, over, or too long', () => timeAttacks(world)],
    ['issuers, audiences and mandates of others', () => partyAttacks(world)],
    ['F4: amounts that are no money', () => moneyAttacks(world)],
    ['F4: payees that look like another', () => counterpartyAttacks(world)],
  ];

  it.each(FAMILIES)(
    '%s: each has its code and none an artifact',
    async (_family, make) => {
      const before = await artifactsIssued();
      const attacks = await make();
      sent += attacks.length;
      expect(await repelled(intents, attacks)).toEqual([]);
      expect(await artifactsIssued()).toBe(before);
    },
    2 * MINUTES,
  );

  it('A11, A25, F5: captures by others, of more, for another payee or of nothing issued move nothing', async () => {
    const before = await moneyMoved();
    const attacks = await captureAttacks(world, artifact);
    const crossed = await crossedAttacks(world, artifact);
    const refund = await refundAttack(world, readArtifact(artifact));
    sent += attacks.length + crossed.intents.length + crossed.settlements.length + 1;
    const wrong = [
      ...(await repelled(settlements, [...attacks, ...crossed.settlements])),
      ...(await repelled(intents, crossed.intents)),
    ];
    expect(wrong).toEqual([]);
    expect((await post(settlements, refund)).status).toBeGreaterThanOrEqual(400);
    expect(await moneyMoved()).toEqual(before);
  });

  it(
    'A22: a live jti with other claims is a conflict; the same claims, however signed or written, the first answer',
    async () => {
      const mandate = world.mandate('attacks');
      const first = smallIntent('live', mandate);
      const { buyer } = world.parties;
      const opened = await post(intents, await sealed(buyer, INTENT, first), { prefer: 'wait=30' });
      const before = await artifactsIssued();
      const others = [
        { amount: { value: '0.02', currency: 'USD' } },
        { counterparty: 'other-shop', audience: 'other-settler' },
        { reference: 'other' },
        { description: 'other' },
        { capture: { mode: 'single' } },
        { deadline: first['exp'] },
        { purchased_at: '2026-01-01' },
      ];
      for (const change of others) {
        const token = await sealed(buyer, INTENT, { ...first, ...change });
        expect([change, answerOf(await post(intents, token, { prefer: 'wait=30' }))]).toEqual([
          change,
          'idempotency_conflict',
        ]);
      }
      const { iat, exp } = first as { iat?: number; exp?: number };
      const same = [
        first,
        Object.fromEntries(Object.entries(first).reverse()),
        { ...first, iat: Number(iat) - 60, exp: Number(exp) - 60 },
        Buffer.from(JSON.stringify(first, null, 2)),
      ];
      for (const payload of same) {
        const again = await post(intents, await sealed(buyer, INTENT, payload), { prefer: 'wait=30' });
        expect({ ...again.body, replayed: false }).toEqual(opened.body);
      }
      sent += others.length + same.length;
      expect(await artifactsIssued()).toBe(before);
    },
    MINUTES,
  );

  it(
    'A22: fifty of one intent at once are one decision',
    async () => {
      const token = await sealed(world.parties.buyer, INTENT, smallIntent('at-once', world.mandate('attacks')));
      const before = await artifactsIssued();
      const answers = await Promise.all(Array.from({ length: 50 }, () => post(intents, token, { prefer: 'wait=30' })));
      sent += answers.length;
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      const issued = new Set(answers.flatMap(({ body }) => body['artifact_id'] ?? []));
      expect(issued.size).toBe(1);
      expect(await artifactsIssued()).toBe(before + 1);
    },
    MINUTES,
  );

  it("another tenant's ids and unsigned, replayed or changed read signatures tell nothing", async () => {
    const reads = [...(await objectAttacks(world, ids)), ...(await signatureReadAttacks(world, ids))];
    sent += reads.length;
    const wrong: string[] = [];
    for (const { name, path, headers, statuses } of reads) {
      const { status, body } = await readAnswer(await fetch(`${world.service.url}${path}`, { headers }));
      if (!statuses.includes(status)) wrong.push(`${name}: ${status}, not ${statuses.join(' or ')}`);
      if (JSON.stringify(body).includes('eyJ')) wrong.push(`${name}: shows a token`);
    }
    expect(wrong).toEqual([]);
  });

  it("lists show a caller's own only", async () => {
    const { otherBuyer, otherSettler, buyer } = world.parties;
    const list = async (signer: Signer, path: string): Promise<unknown> => {
      const targetUri = `${world.service.url}${path}`;
      const headers = await signHttpRequest({ method: 'GET', targetUri }, signer, Date.now());
      return (await readAnswer(await fetch(targetUri, { headers: { ...headers } }))).body;
    };
    expect(await list(buyer, '/v1/artifacts')).toMatchObject({
      artifacts: expect.arrayContaining([expect.anything()]),
    });
    for (const stranger of [otherBuyer, otherSettler]) {
      expect(await list(stranger, '/v1/artifacts')).toMatchObject({ artifacts: [] });
      // an artifact of others looks like none
      expect(await list(stranger, `/v1/settlements?artifact=${ids.artifactId}`)).toMatchObject({ status: 404 });
    }
  });

  it('more than 300 attacks were sent; no header made a service fetch anything, and the same process is ready', async () => {
    expect(sent).toBeGreaterThan(300);
    expect(fetched).toBe(0);
    expect((await fetch(`${world.service.url}/readyz`)).status).toBe(200);
    expect(world.service.output()).not.toMatch(/"level":(50|60)/); // error or fatal
  });
});
