import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TOPICS } from '@spendgate/messaging';
import { awaitAnswers, wrongAnswers } from './harness/answers.js';
import { sendAll } from './harness/http-door.js';
import { type Block, type Input, documentBlock, goodBlock, rawBlocks, stringBlocks } from './harness/input-blocks.js';
import { type InputsWorld, openInputsWorld } from './harness/inputs-world.js';
import { type KafkaServer, kafkaAvailable, startKafka } from './harness/kafka.js';
import { PARTITIONS, appendRaw } from './harness/raw-records.js';
import { goodCaptures, issueArtifact, settlementBlocks } from './harness/settlement-blocks.js';

const MINUTES = 60_000;
const INTENT = 'payment-intent+jwt';

/** The same input through two topics is two records, and each must have an answer of its own. */
function named(door: string, blocks: readonly Block[]): Block[] {
  return blocks.map(({ name, inputs }) => ({
    name,
    inputs: inputs.map((input) => ({ ...input, id: `${door}/${input.id}` })),
  }));
}

describe.each([
  ['embedded', false],
  ['Kafka', true],
] as const)('published bad inputs on %s', (_name, onKafka) => {
  const available = !onKafka || kafkaAvailable();
  const test = available ? it : it.skip;
  let kafka: KafkaServer | undefined;
  let world: InputsWorld;

  beforeAll(async () => {
    if (!available) return;
    kafka = onKafka ? await startKafka() : undefined;
    world = await openInputsWorld(kafka);
  }, 2 * MINUTES);

  afterAll(async () => {
    await world?.stop();
    await kafka?.stop();
  }, MINUTES);

  const blocks = async (door: 'topic' | 'http'): Promise<Block[]> => [
    ...rawBlocks(),
    await documentBlock(world, INTENT, []),
    ...(await stringBlocks(world, door)),
  ];

  /** A good intent in every partition, after the block: one that stands still would keep it waiting. */
  async function throughTopic({ name, inputs }: Block): Promise<string[]> {
    const good = await goodBlock(world, 'topic', name, PARTITIONS);
    const all: Input[] = [...inputs, ...good];
    await appendRaw(world, TOPICS.paymentIntents, [
      ...inputs.map(({ id, value, flow }) => (flow === undefined ? { id, value } : { id, value, key: flow })),
      ...good.map(({ id, value }, partition) => ({ id, value, partition })),
    ]);
    return wrongAnswers(all, await awaitAnswers(world.pool, all, MINUTES));
  }

  test(
    'I2: each record on payment-intents.v1 has its answer, and the partitions go on after each block',
    async () => {
      const wrong: string[] = [];
      for (const block of named('intents', await blocks('topic'))) wrong.push(...(await throughTopic(block)));
      expect(wrong).toEqual([]);
    },
    4 * MINUTES,
  );

  test(
    'the HTTP door answers each body with its code, never with a server error',
    async () => {
      const url = `${world.service.url}/v1/payment-intents`;
      const wrong: string[] = [];
      for (const { name, inputs } of await blocks('http')) {
        const all = [...inputs, ...(await goodBlock(world, 'http', name, 1))];
        wrong.push(...wrongAnswers(all, await sendAll(url, all, { prefer: 'wait=30' })));
      }
      expect(wrong).toEqual([]);
    },
    4 * MINUTES,
  );

  test(
    'I2: each record on settlement-requests.v1 has its answer, and the partitions go on after each block',
    async () => {
      const artifact = await issueArtifact(world, 'settled-by-topic');
      const wrong: string[] = [];
      for (const { name, inputs } of named('captures', await settlementBlocks(world, artifact))) {
        const all = [...inputs, ...(await goodCaptures(world, artifact, name, PARTITIONS))];
        await appendRaw(
          world,
          TOPICS.settlementRequests,
          all.map(({ id, value }) => ({ id, value })),
        );
        wrong.push(...wrongAnswers(all, await awaitAnswers(world.pool, all, MINUTES)));
      }
      expect(wrong).toEqual([]);
    },
    4 * MINUTES,
  );

  test(
    'the HTTP door of the gate answers each body with its code, never with a server error',
    async () => {
      const artifact = await issueArtifact(world, 'settled-over-http');
      const wrong: string[] = [];
      for (const { name, inputs } of await settlementBlocks(world, artifact)) {
        const all = [...inputs, ...(await goodCaptures(world, artifact, name, 1))];
        wrong.push(...wrongAnswers(all, await sendAll(`${world.service.url}/v1/settlements`, all, {})));
      }
      expect(wrong).toEqual([]);
    },
    4 * MINUTES,
  );

  test('nothing of it crashed a service: the same process is still ready', async () => {
    expect((await fetch(`${world.service.url}/readyz`)).status).toBe(200);
    expect(world.service.output()).not.toMatch(/"level":(50|60)/); // error or fatal
  });
});
