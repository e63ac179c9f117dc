import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { InvariantError } from '@spendgate/core';
import {
  effectsHandler,
  openEmbeddedWorld,
  readEffects,
  silentLogger,
  type TransportWorld,
  until,
} from '@spendgate/testing';
import type { EventTransport, RecordBatch } from './event-transport.js';
import {
  connectTransport,
  type LaneAcquired,
  laneAcquired,
  SpendgateTransport,
} from './spendgate-transport.strategy.js';
import { TOPICS } from './topics.js';

describe('SpendgateTransport', () => {
  let world: TransportWorld;
  let app: INestApplication | undefined;
  beforeEach(async () => {
    world = await openEmbeddedWorld(2);
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await world.close();
  });

  /** Starts an application with one controller on the embedded transport. */
  async function start(controller: Type, required = [TOPICS.paymentIntents]): Promise<EventTransport> {
    @Module({ controllers: [controller] })
    class TestModule {}
    const transport = world.client(silentLogger);
    app = await NestFactory.create(TestModule, new FastifyAdapter(), { logger: false, abortOnError: false });
    connectTransport(app, new SpendgateTransport(transport, silentLogger, required));
    await app.startAllMicroservices();
    return transport;
  }

  it('hands each batch to the handler of its topic, after telling it of each lane', async () => {
    const lanes: string[] = [];
    @Controller()
    class Handlers {
      @EventPattern(laneAcquired(TOPICS.paymentIntents))
      onLane(@Payload() { lane }: LaneAcquired): void {
        lanes.push(lane.name);
      }
      @EventPattern(TOPICS.paymentIntents)
      onBatch(@Payload() batch: RecordBatch): Promise<void> {
        return effectsHandler(world.database.pool)(batch);
      }
    }
    const transport = await start(Handlers);
    await transport.publish(TOPICS.paymentIntents, [{ key: 'flow', value: Buffer.from('a'), headers: {} }]);
    await until('the effect', async () => (await readEffects(world.database.pool)).length === 1);
    expect(lanes.sort()).toEqual(['payment-intents.v1/0', 'payment-intents.v1/1']);
  });

  it('keeps the class of an error: a defect ends as a dead letter, it is not retried for ever', async () => {
    @Controller()
    class Handlers {
      @EventPattern(TOPICS.paymentIntents)
      onBatch(_batch: RecordBatch): void {
        throw new InvariantError('ERR_TEST_DEFECT', 'ruled out');
      }
    }
    const transport = await start(Handlers);
    await transport.publish(TOPICS.paymentIntents, [{ key: 'flow', value: Buffer.from('a'), headers: {} }]);
    await until('the lane to move on', async () => (await transport.lag()).every(({ lag }) => lag === 0n));
    const { rows } = await world.database.pool.query<{ value: Buffer }>(
      "SELECT value FROM embedded_records WHERE topic = 'dead-letters.v1'",
    );
    expect(rows.map(({ value }) => (JSON.parse(String(value)) as { reason: string }).reason)).toEqual([
      'ERR_TEST_DEFECT',
    ]);
  });

  it('fails the start when a topic it must handle has no handler', async () => {
    @Controller()
    class Handlers {
      @EventPattern(TOPICS.settlementRequests)
      onBatch(_batch: RecordBatch): void {
        return;
      }
    }
    await expect(start(Handlers)).rejects.toThrow('payment-intents.v1 has no handler');
  });

  it('fails the start on a pattern that is no topic, instead of skipping it', async () => {
    @Controller()
    class Handlers {
      @EventPattern('payment-intents.v2')
      onBatch(_batch: RecordBatch): void {
        return;
      }
    }
    await expect(start(Handlers, [])).rejects.toThrow('"payment-intents.v2" is no topic');
  });

  it('fails the start on two handlers of one topic in one group: they would share an effect', async () => {
    @Controller()
    class Handlers {
      @EventPattern(TOPICS.paymentIntents)
      one(_batch: RecordBatch): void {
        return;
      }
      @EventPattern(TOPICS.paymentIntents)
      two(_batch: RecordBatch): void {
        return;
      }
    }
    await expect(start(Handlers)).rejects.toThrow('two handlers in group authorizer');
  });

  it('fails the start on a topic no role decides when the handler names no group', async () => {
    @Controller()
    class Handlers {
      @EventPattern(TOPICS.control)
      onBatch(_batch: RecordBatch): void {
        return;
      }
    }
    await expect(start(Handlers, [])).rejects.toThrow('name the group');
  });

  it('refuses a request-response pattern: topics take events', async () => {
    @Controller()
    class Handlers {
      @MessagePattern(TOPICS.paymentIntents)
      onRequest(): void {
        return;
      }
    }
    await expect(start(Handlers)).rejects.toThrow('not requests');
  });
});
