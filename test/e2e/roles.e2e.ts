import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Signer, signHttpRequest } from '@spendgate/artifact';
import { parseNoteKey, verifyCheckpoint } from '@spendgate/audit-log';
import { readArtifact, settlementClaims } from '@spendgate/client';
import { TOPICS, type TopicName, topicFullName } from '@spendgate/messaging';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { type ComposedRoles, ROLES_ISSUER, ROLES_MANDATE, startComposedRoles } from './harness/composed-roles.js';
import { sealed } from './harness/forge.js';
import { type KafkaServer, kafkaAvailable, startKafka } from './harness/kafka.js';
import { until } from './harness/processes.js';
import { spendgate } from './harness/spendgate.js';

const MINUTES = 60_000;
const available = kafkaAvailable();
const test = available ? it : it.skip;

type Json = Readonly<Record<string, unknown>>;

const payloadOf = (token: string): Json =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json; // as: claims are an object

describe('roles apart on Kafka and PostgreSQL, by the commands of deploy/compose/compose.yaml', () => {
  let kafka: KafkaServer;
  let roles: ComposedRoles;
  let pool: pg.Pool;
  let artifact: string;
  let capture: Json;

  beforeAll(async () => {
    if (!available) return;
    kafka = await startKafka();
    roles = await startComposedRoles(kafka);
    pool = new pg.Pool({ connectionString: roles.databaseUrl, max: 2 });
  }, 2 * MINUTES);

  afterAll(async () => {
    await pool?.end();
    await roles?.stop();
    await kafka?.stop();
  }, MINUTES);

  const file = (name: string): string => join(roles.folder, name);
  /** What the agent's own machine knows: its key, Kafka, and where to read. */
  const asAgent = (args: readonly string[]): Promise<string> =>
    spendgate([...args, '--keys', roles.agentKeys, '--url', roles.authorizer.url], {
      SPENDGATE_ISSUER: ROLES_ISSUER,
      SPENDGATE_KAFKA_BROKERS: kafka.brokers,
    });
  const asSettler = (args: readonly string[]): Promise<string> =>
    spendgate([...args, '--service', 'settler', '--keys', roles.settlerKeys, '--url', roles.gate.url], {
      SPENDGATE_ISSUER: ROLES_ISSUER,
    });
  const captureArgs = ['settlements', 'capture', '--amount', '4.25', '--capture-id', 'order-1'];
  const captures = async (): Promise<unknown> => {
    const { rows } = await pool.query('SELECT action_id, amount::text, state FROM settlements ORDER BY 1');
    return rows;
  };
  const readAs = async (signer: Signer, url: string): Promise<Json> => {
    const headers = await signHttpRequest({ method: 'GET', targetUri: url }, signer, Date.now());
    return (await (await fetch(url, { headers: { ...headers } })).json()) as Json; // as: our own JSON
  };

  test('A36–A37: each role is its own process, with its own health', async () => {
    const running = [roles.authorizer, roles.gate, roles.log, roles.detector];
    expect(new Set(running.map((role) => role.pid())).size).toBe(running.length);
    for (const role of running) {
      const report = (await (await fetch(`${role.url}/readyz`)).json()) as Json; // as: our own JSON
      expect(report).toMatchObject({ ready: true });
    }
    // A door of one role is not open on another.
    expect((await fetch(`${roles.log.url}/v1/settlements`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${roles.authorizer.url}/checkpoint`)).status).toBe(404);
  });

  test('the agent and the settlement service hold their own keys; the domain was given public ones', () => {
    expect(existsSync(join(roles.folder, 'party-keys', 'buyer.jwk.json'))).toBe(false);
    expect(existsSync(join(roles.folder, 'party-keys', 'settler.jwk.json'))).toBe(false);
  });

  test(
    'F3: a signed intent through Kafka becomes an authorization artifact',
    async () => {
      const intent = {
        jti: 'order-1',
        agent: 'buyer',
        mandate: ROLES_MANDATE,
        amount: { value: '12.50', currency: 'USD' },
        counterparty: 'shop',
        audience: 'settler',
        capture: { mode: 'multi' },
        reference: 'order-1',
      };
      writeFileSync(file('intents.jsonl'), `${JSON.stringify(intent)}\n`);
      const result = lastJson(await asAgent(['intents', 'publish', file('intents.jsonl'), '--wait']));
      expect(result).toMatchObject({ jti: 'order-1', outcome: 'authorized', code: null });
      artifact = String(result['artifact']);
      writeFileSync(file('artifact.jwt'), artifact);
    },
    MINUTES,
  );

  test(
    'E6: the artifact on authorization-artifacts.v1 is the one the agent got, byte for byte',
    async () => {
      const [published] = await readTopic(
        TOPICS.authorizationArtifacts,
        () => 0n,
        () => Promise.resolve(),
      );
      expect(published).toBe(artifact);
    },
    MINUTES,
  );

  test(
    'B13: the artifact verifies offline, with the public keys and the status list its own claims name',
    async () => {
      const { status } = payloadOf(artifact) as { status: { status_list: { uri: string } } }; // as: checked by its use
      expect(status.status_list.uri.startsWith(roles.log.url)).toBe(true);
      writeFileSync(file('jwks.json'), await (await fetch(`${roles.log.url}/.well-known/jwks.json`)).text());
      writeFileSync(file('status.jwt'), await (await fetch(status.status_list.uri)).text());
      const args = [
        'verify',
        'artifact',
        file('artifact.jwt'),
        '--keys',
        file('jwks.json'),
        '--status',
        file('status.jwt'),
      ];
      const report = lastJson(await spendgate(args, {}));
      expect(report).toMatchObject({ valid: true, code: null });
      expect(report['checks']).toHaveLength(8);
    },
    MINUTES,
  );

  test(
    'E14, F5: the settlement service captures over HTTP and gets a signed receipt',
    async () => {
      capture = lastJson(await asSettler([...captureArgs, file('artifact.jwt')]));
      expect(capture).toMatchObject({ outcome: 'authorized', state: 'capturing' });
      expect(payloadOf(String(capture['receipt']))).toMatchObject({
        action: 'capture',
        action_id: 'order-1',
        code: null,
      });
    },
    MINUTES,
  );

  test(
    'A22: the same capture over the other door, signed anew, moves nothing and tells the recorded decision again',
    async () => {
      const told = await decisionsToldDuring(async () => {
        const signing = { party: 'settler', issuer: ROLES_ISSUER, nowSeconds: Math.floor(Date.now() / 1000) };
        const act = { action: 'capture', captureId: 'order-1', value: '4.25' } as const;
        const token = await sealed(
          roles.settler,
          'settlement-request+jwt',
          settlementClaims(readArtifact(artifact), act, signing),
        );
        await produce(TOPICS.settlementRequests, ROLES_MANDATE, token);
      });
      expect(told).toMatchObject({
        settlement_id: capture['settlement_id'],
        outcome: 'authorized',
        action_id: 'order-1',
      });
      expect(await captures()).toEqual([{ action_id: 'order-1', amount: '4.250000000000000000', state: 'capturing' }]);
    },
    MINUTES,
  );

  test(
    'A22: after kill -9 and a restart of the gate the retry gets the recorded receipt, byte for byte',
    async () => {
      await roles.gate.kill();
      await roles.gate.restart();
      const again = lastJson(await asSettler([...captureArgs, file('artifact.jwt')]));
      expect(again).toEqual({ ...capture, replayed: true });
      const url = `${roles.gate.url}/v1/settlements/${String(capture['settlement_id'])}`;
      expect(await readAs(roles.settler, url)).toMatchObject({ receipt: capture['receipt'] });
    },
    MINUTES,
  );

  test(
    'the outcome the settlement service reports captures the money',
    async () => {
      const args = ['settlements', 'outcome', '--amount', '4.25', '--capture-id', 'order-1', '--outcome', 'completed'];
      expect(lastJson(await asSettler([...args, file('artifact.jwt')]))).toMatchObject({
        applied: true,
        state: 'captured',
      });
    },
    MINUTES,
  );

  test(
    'E4: the leaves of decision and receipt lie under a checkpoint the log signed',
    async () => {
      const receiptLeaf = String(payloadOf(String(capture['receipt']))['leaf_hash']);
      const { rows } = await pool.query<{ leaf_hash: Buffer }>('SELECT leaf_hash FROM decisions');
      const leaves = [receiptLeaf, ...rows.map((row) => row.leaf_hash.toString('base64url'))];
      const about = (await (await fetch(`${roles.log.url}/.well-known/spendgate`)).json()) as {
        log: { keys: string[] };
      };
      const keys = about.log.keys.flatMap((text) => parseNoteKey(text) ?? []);
      expect(keys.length).toBeGreaterThan(0);
      for (const leaf of leaves) {
        const proof = await proofOf(leaf);
        const verdict = verifyCheckpoint(String(proof['checkpoint']), keys);
        expect(verdict.valid).toBe(true);
        expect(verdict.valid && Buffer.from(verdict.checkpoint.root).toString('base64url')).toBe(proof['root']);
        writeFileSync(file('proof.json'), JSON.stringify(proof));
        const judged = lastJson(await spendgate(['verify', 'inclusion', '--cases', file('proof.json')], {}));
        expect(judged).toEqual({ valid: true, code: null });
        expect(proof['leaf_hash']).toBe(leaf);
      }
    },
    MINUTES,
  );

  test(
    'C10–C15, E4: one file from the three services proves six statements, and a service is asked for none of them',
    async () => {
      const doors = ['--url', roles.authorizer.url, '--log-url', roles.log.url, '--gate-url', roles.gate.url];
      const reader = ['--service', 'settler', '--keys', roles.settlerKeys];
      const bundle = file('bundle.json');
      const id = String(payloadOf(artifact)['jti']);
      await until('the bundle', async () => {
        const args = ['report', 'artifact', id, ...reader, ...doors, '--out', bundle];
        await spendgate(args, { SPENDGATE_ISSUER: ROLES_ISSUER });
        return existsSync(bundle);
      });
      writeFileSync(file('keys.json'), await (await fetch(`${roles.log.url}/.well-known/jwks.json`)).text());
      const verdict = lastJson(await spendgate(['verify', 'bundle', bundle, '--trust', file('keys.json')], {}));
      expect(verdict).toMatchObject({ valid: true, trust: 'given' });
      expect(verdict['statements']).toMatchObject(
        ['authorization', 'trust_continuity', 'lineage', 'enforcement', 'audit', 'execution'].map((name) => ({
          name,
          holds: true,
          first_bad: null,
        })),
      );
    },
    MINUTES,
  );

  async function proofOf(leaf: string): Promise<Json> {
    let proof: Json = {};
    await until('the leaf to lie under a checkpoint', async () => {
      const response = await fetch(`${roles.log.url}/v1/log/proofs/inclusion?leaf_hash=${leaf}`);
      proof = (await response.json()) as Json; // as: our own JSON
      return response.status === 200;
    });
    return proof;
  }

  async function produce(topic: TopicName, key: string, value: string): Promise<void> {
    const producer = client().producer();
    await producer.connect();
    await producer.send({ topic: topicFullName('spendgate.', topic), messages: [{ key, value }] });
    await producer.disconnect();
  }

  /** Reads settlement-decisions.v1 as a settlement service would. @returns the first event after the act */
  async function decisionsToldDuring(act: () => Promise<void>): Promise<Json> {
    const admin = client().admin();
    await admin.connect();
    const ends = await admin.fetchTopicOffsets(topicFullName('spendgate.', TOPICS.settlementDecisions));
    await admin.disconnect();
    const endOf = (partition: number): bigint => BigInt(ends.find((each) => each.partition === partition)?.offset ?? 0);
    const [event = '{}'] = await readTopic(TOPICS.settlementDecisions, endOf, act);
    return JSON.parse(event) as Json; // as: our own JSON
  }

  /** @returns values from the given offset of each partition on, once there is one after the act */
  async function readTopic(
    topic: TopicName,
    from: (partition: number) => bigint,
    act: () => Promise<void>,
  ): Promise<string[]> {
    const consumer = client().consumer({ groupId: `test.reader.${topic}` });
    const values: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: topicFullName('spendgate.', topic), fromBeginning: true });
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        if (BigInt(message.offset) >= from(partition)) values.push(String(message.value));
        return Promise.resolve();
      },
    });
    await act();
    await until(`a record on ${topic}`, () => values.length > 0);
    await consumer.disconnect();
    return values;
  }

  const client = (): Kafka => new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING });
});

/** The last line that is JSON: notes to people go to the same place when both streams are read. */
function lastJson(output: string): Json {
  const line = output
    .trim()
    .split('\n')
    .findLast((each) => each.startsWith('{'));
  return JSON.parse(line ?? '{}') as Json; // as: commands answer with objects
}
