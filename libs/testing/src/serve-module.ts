import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { acceptTokens } from '@spendgate/http-edge';
import { type Runtime, SpendgateTransport, connectTransport } from '@spendgate/messaging';

/** A role that listens on a free port of this machine. */
export interface ServedModule {
  readonly url: string;
  readonly nest: NestFastifyApplication;
  close(): Promise<void>;
}

export interface ServeModuleOptions {
  /** Limits of the HTTP side; without, Fastify's own. */
  readonly adapter?: FastifyAdapter;
  /** Whether it takes records from its topics too. */
  readonly topics?: boolean;
}

/** Serves a role as its process does, less the guards that no spec of a role is about. */
export async function serveModule(
  module: DynamicModule,
  runtime: Runtime,
  { adapter = new FastifyAdapter(), topics = true }: ServeModuleOptions = {},
): Promise<ServedModule> {
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false, bodyParser: false });
  acceptTokens(app.getHttpAdapter().getInstance());
  if (topics) {
    connectTransport(app, new SpendgateTransport(runtime.transport, runtime.logger));
    await app.startAllMicroservices();
  }
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), nest: app, close: () => app.close() };
}
