import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type KeyPurpose, type Signer, readPartySigner } from '@spendgate/artifact';
import type { PaymentIntentClaims } from '@spendgate/codec';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@spendgate/platform';
import { type Pool, createPool } from '@spendgate/store';
import { namedId } from '@spendgate/testing';
import type { KafkaServer } from './kafka.js';
import { EXAMPLES, type RunningSpendgate, dataFolder, spendgate, startSpendgate } from './spendgate.js';

export const INPUTS_ISSUER = 'https://inputs.example';
/** Mandates of `buyer`, one for each kind of run, so that what one spends or occupies is not another's. */
const BUYING = ['topic', 'http', 'settling', 'attacks'] as const;
const MANDATES = {
  topic: namedId('inputs topic'),
  http: namedId('inputs http'),
  settling: namedId('inputs settling'),
  attacks: namedId('inputs attacks'),
  yen: namedId('inputs yen'),
  shopOnly: namedId('inputs shop only'),
  others: namedId('inputs others'),
} as const;
type MandateName = keyof typeof MANDATES;

/** Two tenants who must not learn of each other, and what a stranger would need to stand between them. */
export interface InputsParties {
  readonly buyer: Signer;
  readonly otherBuyer: Signer;
  /** Settles for `shop`. */
  readonly settler: Signer;
  /** Settles for `other-shop` only. */
  readonly otherSettler: Signer;
  /** Who owns the money of `buyer`. */
  readonly principal: Signer;
  readonly attester: Signer;
  /** An operator. */
  readonly person: Signer;
}

/** A domain of its own on a database that the test can read. */
export interface InputsWorld {
  readonly service: RunningSpendgate;
  readonly settings: Readonly<Record<string, string>>;
  readonly pool: Pool;
  readonly kafka: KafkaServer | undefined;
  readonly parties: InputsParties;
  mandate(name: MandateName): string;
  stop(): Promise<void>;
}

/** A parsed domain file: JSON is YAML. */
function domainFile(): object {
  const root = { principal: 'acme', agent: 'buyer', currency: 'USD', total: '1000000.00' };
  const mandates = [
    ...BUYING.map((name) => ({ ...root, id: MANDATES[name], name: `inputs ${name}` })),
    { ...root, id: MANDATES.yen, name: 'yen', currency: 'JPY', total: '1000000' },
    { ...root, id: MANDATES.shopOnly, name: 'shop only', counterparties: ['shop'] },
    { ...root, id: MANDATES.others, name: 'others', principal: 'other', agent: 'other-buyer' },
  ];
  const shop = { category: '5732', rail: 'external' };
  return {
    domain: { issuer: INPUTS_ISSUER },
    principals: [named('acme'), named('other')],
    people: [{ ...named('ada'), roles: ['operator'] }],
    attesters: [named('attester')],
    settlement_services: [named('settler'), named('other-settler')],
    agents: [named('buyer'), named('other-buyer')],
    counterparties: [
      { ...shop, id: 'shop', legal_name: 'Shop', settlement_services: ['settler'] },
      { ...shop, id: 'other-shop', legal_name: 'Other shop', settlement_services: ['other-settler'] },
    ],
    policies: [{ id: 'default', file: 'default.cedar' }],
    mandates,
  };
}

function named(id: string): { id: string; name: string } {
  return { id, name: id };
}

/** Starts `spendgate up` for the domain above on a database of its own; on Kafka when one is given. */
export async function openInputsWorld(kafka?: KafkaServer): Promise<InputsWorld> {
  const folder = dataFolder();
  const database: EmbeddedPostgres = await startEmbeddedPostgres({ folder: join(folder.path, 'database') });
  const settings = {
    SPENDGATE_ISSUER: INPUTS_ISSUER,
    SPENDGATE_DATA: folder.path,
    SPENDGATE_DATABASE_URL: database.url,
    // Thousands of requests from one address are the test, not an attack.
    SPENDGATE_SOURCE_REQUESTS_PER_SECOND: '1000000',
    ...kafka?.settings,
  };
  await declare(folder.path, settings);
  const service = await startSpendgate(['up'], settings);
  const pool = createPool(database.url, { connectionsMax: 4, applicationName: 'inputs test' });
  const signer = (party: string, purpose: KeyPurpose): Promise<Signer> => readKey(folder.path, party, purpose);
  const [buyer, otherBuyer, settler, otherSettler, principal, attester, person] = await Promise.all([
    signer('buyer', 'agent'),
    signer('other-buyer', 'agent'),
    signer('settler', 'settlement'),
    signer('other-settler', 'settlement'),
    signer('acme', 'principal'),
    signer('attester', 'attester'),
    signer('ada', 'person'),
  ]);
  return {
    service,
    settings,
    pool,
    kafka,
    parties: { buyer, otherBuyer, settler, otherSettler, principal, attester, person },
    mandate: (name) => MANDATES[name],
    stop: async () => {
      await pool.end();
      await service.stop();
      await database.stop();
      folder.remove();
    },
  };
}

async function declare(folder: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const file = join(folder, 'domain.json');
  const policy = join(EXAMPLES, 'demo/default.cedar');
  const text = JSON.stringify(domainFile()).replace('"default.cedar"', JSON.stringify(relative(folder, policy)));
  writeFileSync(file, text);
  await spendgate(['migrate', '--topics'], settings);
  await spendgate(['apply', file], settings);
}

async function readKey(folder: string, party: string, purpose: KeyPurpose): Promise<Signer> {
  const found = await readPartySigner(join(folder, 'party-keys'), party, purpose);
  if (found === undefined) throw new Error(`apply made no key for ${party}`);
  return found;
}

/** An intent of `buyer` for 0.01 USD at `shop`; a capture may come in parts. */
export function smallIntent(
  jti: string,
  mandate: string,
  change: Partial<Record<keyof PaymentIntentClaims, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const iat = Math.floor(Date.now() / 1000);
  return {
    iss: 'buyer',
    aud: INPUTS_ISSUER,
    iat,
    exp: iat + 3_600,
    jti,
    mandate,
    amount: { value: '0.01', currency: 'USD' },
    counterparty: 'shop',
    audience: 'settler',
    capture: { mode: 'multi' },
    reference: 'inputs',
    ...change,
  };
}
