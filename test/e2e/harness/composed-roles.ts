import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PrivateKeySigner, type Signer, writePartyKey } from '@spendgate/artifact';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@spendgate/platform';
import { namedId } from '@spendgate/testing';
import { type ComposeService, ourServices } from '../../deploy/compose.js';
import type { KafkaServer } from './kafka.js';
import { freePort } from './processes.js';
import { EXAMPLES, type RunningSpendgate, dataFolder, spendgate, startSpendgate } from './spendgate.js';

export const ROLES_ISSUER = 'https://roles.example';
export const ROLES_MANDATE = namedId('roles');

/** The services of compose.yaml as processes of this machine, and two parties with credentials of their own. */
export interface ComposedRoles {
  readonly authorizer: RunningSpendgate;
  readonly gate: RunningSpendgate;
  readonly log: RunningSpendgate;
  readonly detector: RunningSpendgate;
  readonly databaseUrl: string;
  /** Folder of the agent's private key, which nobody else has. */
  readonly agentKeys: string;
  /** Folder of the settlement service's private key, which nobody else has. */
  readonly settlerKeys: string;
  readonly settler: Signer;
  /** For files of the test. */
  readonly folder: string;
  /** Another process of the settlement gate beside the first, as a replica of its service. */
  addGate(): Promise<RunningSpendgate>;
  stop(): Promise<void>;
}

/**
 * Starts what `docker compose up` would, by the commands and settings of the file, with places of this machine.
 *
 * @param change the mandate's total limit, decimal string in USD, and settings beside those of the file
 */
export async function startComposedRoles(
  kafka: KafkaServer,
  change: { readonly total?: string; readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<ComposedRoles> {
  const folder = dataFolder();
  const database: EmbeddedPostgres = await startEmbeddedPostgres({ folder: join(folder.path, 'database') });
  const places = await placesOf(folder.path, database.url, kafka);
  const services = new Map(ourServices());
  const migrate = services.get('migrate');
  await spendgate(migrate?.command ?? [], settingsOf(migrate, 'migrate', places));
  const parties = await makeParties(folder.path, change.total ?? '100.00');
  await spendgate(['apply', parties.file], settingsOf(migrate, 'migrate', places));
  const start = async (name: string, own: Readonly<Record<string, string>> = {}): Promise<RunningSpendgate> => {
    const service = services.get(name);
    return startSpendgate(service?.command ?? [], { ...settingsOf(service, name, places), ...change.settings, ...own });
  };
  const replicas: RunningSpendgate[] = [];
  const [authorizer, gate, log, detector] = await Promise.all([
    start('authorizer'),
    start('settlement-gate'),
    start('log'),
    start('drift-detector'),
  ]);
  return {
    authorizer,
    gate,
    log,
    detector,
    databaseUrl: database.url,
    agentKeys: join(folder.path, 'of-the-agent'),
    settlerKeys: join(folder.path, 'of-the-settlement-service'),
    settler: parties.settler,
    folder: folder.path,
    addGate: async () => {
      const replica = await start('settlement-gate', { SPENDGATE_PORT: String(await freePort()) });
      replicas.push(replica);
      return replica;
    },
    stop: async () => {
      await Promise.all([authorizer, gate, log, detector, ...replicas].map((role) => role.stop()));
      await database.stop();
      folder.remove();
    },
  };
}

interface Places {
  readonly common: Readonly<Record<string, string>>;
  /** Port by service, and the address `http://localhost:PORT` of the file it stands for. */
  readonly ports: Readonly<Record<string, number>>;
}

async function placesOf(data: string, databaseUrl: string, kafka: KafkaServer): Promise<Places> {
  const ports = [];
  for (const [name] of ourServices()) ports.push([name, await freePort()] as const);
  return {
    common: {
      SPENDGATE_ISSUER: ROLES_ISSUER,
      SPENDGATE_DATABASE_URL: databaseUrl,
      SPENDGATE_KAFKA_BROKERS: kafka.brokers,
      SPENDGATE_HOST: '127.0.0.1',
      SPENDGATE_DATA: data,
    },
    ports: Object.fromEntries(ports),
  };
}

/** The settings the file gives a service, none more; each place in them becomes one of this machine. */
function settingsOf(
  service: ComposeService | undefined,
  name: string,
  { common, ports }: Places,
): Record<string, string> {
  const written = Object.entries(service?.environment ?? {}).map(([setting, value]) => {
    return [setting, common[setting] ?? localAddress(String(value), ports)];
  });
  const settings = Object.fromEntries(written) as Record<string, string>; // as: pairs of text
  return { ...settings, SPENDGATE_DATA: common['SPENDGATE_DATA'] ?? '', SPENDGATE_PORT: String(ports[name]) };
}

/** `http://localhost:8082` is the published port of a service: here that service's own. */
function localAddress(value: string, ports: Places['ports']): string {
  const published = /^http:\/\/localhost:(\d+)$/.exec(value)?.[1];
  if (published === undefined) return value;
  const [name] = ourServices().find(([, { ports: own = [] }]) => own[0]?.startsWith(`${published}:`) ?? false) ?? [];
  return `http://127.0.0.1:${ports[name ?? '']}`;
}

/** Keys are made where their owner is; the domain is given public keys only. */
async function makeParties(folder: string, total: string): Promise<{ file: string; settler: Signer }> {
  const agent = PrivateKeySigner.generate('agent');
  const settler = PrivateKeySigner.generate('settlement');
  await writePartyKey(join(folder, 'of-the-agent'), 'buyer', agent);
  await writePartyKey(join(folder, 'of-the-settlement-service'), 'settler', settler);
  const policy = relative(folder, join(EXAMPLES, 'demo/default.cedar'));
  const shop = { id: 'shop', legal_name: 'Shop', category: '5732', rail: 'external', settlement_services: ['settler'] };
  const mandate = {
    id: ROLES_MANDATE,
    name: 'roles',
    principal: 'acme',
    agent: 'buyer',
    currency: 'USD',
    total,
  };
  const domain = {
    domain: { issuer: ROLES_ISSUER },
    principals: [{ id: 'acme', name: 'Acme' }],
    settlement_services: [{ id: 'settler', name: 'Settler', key: settler.jwk }],
    agents: [{ id: 'buyer', name: 'Buyer', key: agent.jwk }],
    counterparties: [shop],
    policies: [{ id: 'default', file: policy }],
    mandates: [mandate],
  };
  const file = join(folder, 'domain.json');
  writeFileSync(file, JSON.stringify(domain));
  return { file, settler };
}
