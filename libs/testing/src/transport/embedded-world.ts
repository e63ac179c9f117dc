import { appendRecords, createTopics, deleteTopic, trimRecords } from '@spendgate/store';
import { startTestDatabase } from '../database.js';
import { createEffects } from './effects.js';
import { openClient } from './open-client.js';
import { silentLogger, type TransportWorld } from './world.js';

/** The embedded log in a database of its own. */
export async function openEmbeddedWorld(partitions: number): Promise<TransportWorld> {
  const database = await startTestDatabase();
  const { pool, url } = database;
  await createEffects(pool);
  const options = { kind: 'embedded', databaseUrl: url, partitions } as const;
  await openClient(options, pool, silentLogger).ensureTopics('create');
  return {
    database,
    partitions,
    client: (logger) => openClient(options, pool, logger),
    childOptions: () => options,
    async appendRaw(topic, records) {
      await appendRecords(
        pool,
        records.map(({ partition, key, value, headers = {} }) => ({
          topic,
          partition,
          key: key === null ? null : Buffer.from(key),
          value,
          headers,
        })),
      );
    },
    async recreateTopic(topic, newPartitions = partitions) {
      await deleteTopic(pool, topic);
      await createTopics(pool, [{ topic, partitions: newPartitions }]);
    },
    async dropRecordsBelow(topic, partition, offset) {
      await trimRecords(pool, topic, partition, offset);
    },
    misleadGroup: () => Promise.resolve(), // places are in the lanes, nowhere else
    close: () => database.close(),
  };
}
