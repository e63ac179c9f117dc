import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KAFKA_USER, makeTls, saslProperties, scramArguments } from './kafka-security.js';
import { kafkaClassPath } from './kafka-tools.js';
import { collectOutput, endProcess, freePort, runToEnd, until } from './processes.js';

export { kafkaAvailable } from './kafka-tools.js';
export { KAFKA_USER } from './kafka-security.js';

/** A real Apache Kafka 4.1 in one JVM (KRaft, controller and Kafka broker in one), on data of its own. */
export interface KafkaServer {
  /** `host:port`, for `SPENDGATE_KAFKA_BROKERS`. */
  readonly brokers: string;
  /** Settings a role needs to reach it: brokers, and TLS and SASL where this server asks for them. */
  readonly settings: Readonly<Record<string, string>>;
  /** kill -9; the data stays. */
  kill(): Promise<void>;
  /** Starts again on the same data and port; resolves when it answers. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** @param security `SASL_SSL`: TLS with a certificate made for this run, and SCRAM or PLAIN users. */
export async function startKafka(security: 'PLAINTEXT' | 'SASL_SSL' = 'PLAINTEXT'): Promise<KafkaServer> {
  const folder = mkdtempSync(join(tmpdir(), 'spendgate-kafka-'));
  const classPath = await kafkaClassPath();
  const [port, controllerPort, internalPort] = [await freePort(), await freePort(), await freePort()];
  const tls = security === 'SASL_SSL' ? await makeTls(folder) : undefined;
  const config = join(folder, 'server.properties');
  writeFileSync(
    config,
    propertiesText({ folder, port, controllerPort, internalPort, security, tls: tls?.properties ?? {} }),
  );
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A'); // else it is taken for an option
  const format = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config];
  await runToEnd('java', tls === undefined ? format : [...format, ...scramArguments()]);

  let child = await launch(classPath, config, port);
  return {
    brokers: `localhost:${port}`,
    settings: {
      SPENDGATE_KAFKA_BROKERS: `localhost:${port}`,
      ...(tls === undefined ? {} : secureSettings(tls.caFile)),
    },
    kill: () => endProcess(child, 'SIGKILL'),
    restart: async () => {
      child = await launch(classPath, config, port);
    },
    stop: async () => {
      await endProcess(child, 'SIGKILL'); // an orderly stop takes seconds, and nobody reads this data again
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function secureSettings(caFile: string): Record<string, string> {
  return {
    SPENDGATE_KAFKA_TLS: 'true',
    SPENDGATE_KAFKA_CA_FILE: caFile,
    SPENDGATE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    SPENDGATE_KAFKA_SASL_USERNAME: KAFKA_USER.username,
    SPENDGATE_KAFKA_SASL_PASSWORD: KAFKA_USER.password,
  };
}

async function launch(classPath: string, config: string, port: number): Promise<ChildProcess> {
  const heap = ['-Xms256m', '-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
  const child = spawn('java', [...heap, '-cp', classPath, 'kafka.Kafka', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collectOutput(child);
  // Dies with the test process, also when that one crashes between two tests.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.removeListener('exit', end));
  await until('Kafka to answer on its port', () => {
    if (child.exitCode !== null) throw new Error(`Kafka ended at start:\n${output()}`);
    return answers(port);
  });
  return child;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

interface ServerShape {
  folder: string;
  port: number;
  controllerPort: number;
  internalPort: number;
  security: string;
  tls: Record<string, string>;
}

function propertiesText({ folder, port, controllerPort, internalPort, security, tls }: ServerShape): string {
  // The Kafka broker talks to itself on a plain listener of its own, so that it needs no user.
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@localhost:${controllerPort}`,
    listeners: `CLIENT://localhost:${port},INTERNAL://localhost:${internalPort},CONTROLLER://localhost:${controllerPort}`,
    'advertised.listeners': `CLIENT://localhost:${port},INTERNAL://localhost:${internalPort}`,
    'listener.security.protocol.map': `CLIENT:${security},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // After kill -9 the controller lets the same node in again once its old session is over.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    'auto.create.topics.enable': 'false',
    ...tls,
    ...(security === 'SASL_SSL' ? saslProperties('CLIENT') : {}),
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
