import { setTimeout as pause } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';
import { type DynamicModule, type LoggerService, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DriftDetector } from '@spendgate/drift-detector';
import { acceptTokens } from '@spendgate/http-edge';
import { type Runtime, SpendgateTransport, connectTransport } from '@spendgate/messaging';
import { type Logger, StartError } from '@spendgate/platform';
import { isLogConfirmed } from '@spendgate/store';
import { LogLoop, type LoopStatus } from '@spendgate/transparency-log';
import { API_DOCUMENT, ApiDocumentController } from './api-document.controller.js';
import { apiDocument } from './api-document.js';
import { HealthController, RUNTIME } from './health.controller.js';
import { HTTP_LIMITS, countSources, httpAdapter, nameOversize } from './http-guard.js';
import type { OpenRuntime } from './open-runtime.js';
import { ProblemFilter } from './problem-filter.js';
import { ROLES, type Role } from './roles.js';

const CONFIRM_ASK_MS = 50;
/** In these it holds the lease or has found another process to hold it. */
const LED = new Set<LoopStatus['role']>(['active', 'standby']);

/** The roles of one process under one Nest application. */
@Module({})
export class ProcessModule {
  static of(roles: readonly Role[], runtime: Runtime): DynamicModule {
    return {
      module: ProcessModule,
      imports: roles.map((role) => ROLES[role].module.forRoot(runtime)),
      controllers: [HealthController, ApiDocumentController],
      providers: [
        { provide: RUNTIME, useValue: runtime },
        { provide: API_DOCUMENT, useValue: apiDocument(roles, runtime.domain.publicUrl) },
      ],
    };
  }
}

/**
 * Starts the roles' HTTP routes on one port and their topic handlers on one transport. A process that cannot start whole
 * ends: half of it would go on holding lanes.
 *
 * @param topics whether missing topics are made here
 * @returns the address that answers
 * @throws {StartError} with what mends it
 */
export async function serveRoles(
  roles: readonly Role[],
  open: OpenRuntime,
  topics: 'create' | 'check',
): Promise<string> {
  try {
    await open.runtime.transport.ensureTopics(topics);
    return await startRoles(roles, open);
  } catch (error) {
    await open.shutdown.run('start failed');
    throw addressInUse(error) ?? error;
  }
}

/** The one failure of a start that is neither a setting's nor a server's. */
function addressInUse(error: unknown): StartError | undefined {
  if (!isNativeError(error) || !('code' in error) || error.code !== 'EADDRINUSE') return undefined;
  return new StartError(`${error.message}: end what listens there, or set SPENDGATE_PORT`);
}

async function startRoles(roles: readonly Role[], open: OpenRuntime): Promise<string> {
  const { runtime, settings, shutdown } = open;
  const { SPENDGATE_DECISION_WAIT_SECONDS_MAX: waitSeconds } = settings; // of the authorizer, where it is served
  const adapter = httpAdapter(HTTP_LIMITS, typeof waitSeconds === 'number' ? waitSeconds * 1_000 : 0);
  const app = await NestFactory.create<NestFastifyApplication>(ProcessModule.of(roles, runtime), adapter, {
    logger: quietly(runtime.logger),
    bodyParser: false,
    abortOnError: false,
  });
  countSources(app, runtime.clock, settings.SPENDGATE_SOURCE_REQUESTS_PER_SECOND);
  nameOversize(app);
  acceptTokens(app.getHttpAdapter().getInstance());
  app.useGlobalFilters(new ProblemFilter(runtime.logger));
  connectTransport(app, new SpendgateTransport(runtime.transport, runtime.logger));
  shutdown.add('doors and topic handlers', () => app.close());
  // It begins to compare. Nothing else of the application runs yet: sweeps decide too, and ask rails for money.
  const log = roles.includes('log') ? app.get(LogLoop) : undefined;
  log?.start();
  if (roles.some((role) => ROLES[role].decides)) await untilLogConfirmed(runtime, log, settings.SPENDGATE_WITNESS_WAIT);
  // What waits in the topics is decided at once: the watch over it must be fresh, not from before this start.
  if (roles.includes('drift-detector')) await app.get(DriftDetector).start();
  await app.startAllMicroservices();
  await app.listen(settings.SPENDGATE_PORT, settings.SPENDGATE_HOST);
  return app.getUrl();
}

/**
 * No role decides on a history that is not the one the witnesses remember: a restored backup, a failover that lost what
 * was witnessed (design 5).
 *
 * @param log of this process: once it ran a turn, the database says what witnesses there are
 * @throws {StartError} no log confirmed it in time
 */
async function untilLogConfirmed({ pool, logger }: Runtime, log: LogLoop | undefined, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  const isLed = (): boolean => log === undefined || LED.has(log.report().role);
  for (let told = false; !(isLed() && (await isLogConfirmed(pool))); told = true) {
    if (!told) logger.log('waiting for the log to compare this database with its witnesses');
    if (performance.now() > deadline) {
      throw new StartError(
        'the log has not found this database to be the history its witnesses remember, so nothing is decided: start ' +
          '`spendgate serve log` and its witnesses, and see its /readyz. A restored backup has to be brought up to date first. ' +
          'Witnesses that are silent for longer: two people may accept that for one start, `spendgate log accept --as PERSON --reason TEXT`',
      );
    }
    await pause(CONFIRM_ASK_MS);
  }
}

/** Nest tells of each route and module it starts: worth reading when something is looked for, not at every start. */
function quietly(logger: Logger): LoggerService {
  const debug = (message: unknown, ...details: unknown[]): void => logger.debug(message, ...details);
  return {
    log: debug,
    debug,
    verbose: debug,
    warn: (message: unknown, ...details: unknown[]) => logger.warn(message, ...details),
    error: (message: unknown, ...details: unknown[]) => logger.error(message, ...details),
    fatal: (message: unknown, ...details: unknown[]) => logger.fatal(message, ...details),
  };
}
