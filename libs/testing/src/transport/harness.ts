import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import {
  type BatchHandler,
  type EventTransport,
  type OutgoingRecord,
  partitionOf,
  type Subscription,
  TOPICS,
  type TransportRecord,
} from '@spendgate/messaging';
import { until } from '../until.js';
import { type Effect, effectsHandler, readEffects } from './effects.js';
import { silentLogger, type TransportWorld } from './world.js';

/** The group that decides `payment-intents.v1`; its lanes have the topic's plain name. */
export const GROUP = 'authorizer';

/** One test's view of a world: clients it stops, children it ends, and the questions most cases ask. */
export class TransportTest {
  private readonly clients: EventTransport[] = [];
  private readonly children: ChildProcess[] = [];

  constructor(readonly world: TransportWorld) {}

  client(): EventTransport {
    const client = this.world.client(silentLogger);
    this.clients.push(client);
    return client;
  }

  /** A client that writes each record's effect, or does what the handler given does. */
  async member(onBatch: BatchHandler = this.effects(), more: Partial<Subscription> = {}): Promise<EventTransport> {
    const client = this.client();
    await client.start([{ topic: TOPICS.paymentIntents, group: GROUP, onBatch, ...more }]);
    return client;
  }

  effects(owner = 'test'): BatchHandler {
    return effectsHandler(this.world.database.pool, owner);
  }

  readEffects(): Promise<Effect[]> {
    return readEffects(this.world.database.pool);
  }

  async untilEffects(count: number): Promise<Effect[]> {
    await until(`${count} effects`, async () => (await this.readEffects()).length >= count);
    return this.readEffects();
  }

  /** Everything a topic holds from now on, read by a group of its own. */
  async follow(topic: Subscription['topic']): Promise<TransportRecord[]> {
    const seen: TransportRecord[] = [];
    const effects = this.effects('follower');
    const onBatch: BatchHandler = async (batch) => {
      if (topic === TOPICS.paymentIntents) throw new Error('its effects would mix with those under test');
      await effects(batch);
      seen.push(...batch.records);
    };
    await this.client().start([{ topic, group: 'follower', onBatch }]);
    return seen;
  }

  /** Keys that lie in one partition. */
  keysIn(partition: number, count: number): string[] {
    const keys: string[] = [];
    for (let at = 0; keys.length < count; at += 1) {
      if (partitionOf(`flow-${at}`, this.world.partitions) === partition) keys.push(`flow-${at}`);
    }
    return keys;
  }

  /** A member of the group in a process of its own (see child.ts). */
  child(): { process: ChildProcess; says: (word: string) => Promise<void> } {
    const file = path.join(import.meta.dirname, 'child.ts');
    const loader = path.join(import.meta.dirname, '..', '..', 'source-loader.mjs');
    const child = fork(file, {
      execArgv: ['--conditions=source', '--import', loader],
      env: { ...process.env, TRANSPORT_CHILD: JSON.stringify(this.world.childOptions()), NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.children.push(child);
    const heard: string[] = [];
    child.on('message', (message) => heard.push(JSON.stringify(message)));
    const says = (word: string): Promise<void> =>
      until(`the child to say ${word}`, () => heard.includes(JSON.stringify(word)));
    return { process: child, says };
  }

  async close(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await Promise.all(this.clients.map((client) => client.stop()));
    await this.world.close();
  }
}

export function record(key: string, value: string, headers: Record<string, string> = {}): OutgoingRecord {
  return { key, value: Buffer.from(value), headers };
}

/** Values in the order their effects were committed, of one key. */
export function valuesOf(effects: readonly Effect[], key: string): (string | null)[] {
  return effects.filter((effect) => effect.key === key).map((effect) => effect.value);
}
