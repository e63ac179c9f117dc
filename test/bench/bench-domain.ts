import { createHash, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Signer, readPartySigner, signTokens } from '@spendgate/artifact';
import { uuid8 } from '@spendgate/codec';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@spendgate/platform';
import { spendgate } from '../e2e/harness/spendgate.js';

export const ISSUER = 'https://bench.example';
const TEAMS = 10;
const IDLE_AT_ONCE = 10_000;

/** A database with a declared domain: one organisation, ten teams, `flows` agents' mandates below them (depth 3). */
export interface BenchDomain {
  readonly settings: Readonly<Record<string, string>>;
  readonly database: EmbeddedPostgres;
  readonly flows: readonly string[];
  publicKeyOf(flow: string): KeyObject;
  /** Signs `count` new intents, spread evenly over the flows. */
  signIntents(count: number): Promise<SignedIntent[]>;
  remove(): Promise<void>;
}

export interface SignedIntent {
  readonly flow: string;
  readonly jws: string;
}

function mandateId(name: string): string {
  return uuid8(createHash('sha256').update(`bench:${name}`).digest());
}

function mandate(name: string, parent: string | undefined, fields: string): string {
  const above = parent === undefined ? '' : `parent: ${mandateId(parent)}, `;
  return `  - { id: ${mandateId(name)}, name: ${name}, ${above}principal: owner, currency: USD, ${fields} }`;
}

/** Mandates nobody spends from, in files of a size one control act takes. */
function idleYamls(flows: number, idle: number): string[] {
  const lines = Array.from({ length: idle }, (_, i) =>
    mandate(`idle-${i}`, `team-${i % TEAMS}`, `agent: agent-${i % flows}, total: "1.00"`),
  );
  const files = Array.from({ length: Math.ceil(idle / IDLE_AT_ONCE) }, (_, i) => i * IDLE_AT_ONCE);
  return files.map((at) => ['mandates:', ...lines.slice(at, at + IDLE_AT_ONCE), ''].join('\n'));
}

function domainYaml(flows: number): string {
  const numbers = Array.from({ length: flows }, (_, i) => i);
  const teams = Array.from({ length: TEAMS }, (_, i) => i);
  return [
    `domain: { issuer: '${ISSUER}' }`,
    'principals: [{ id: owner, name: Owner }]',
    'settlement_services: [{ id: service, name: Service }]',
    "counterparties: [{ id: shop, legal_name: Shop, category: '5732', settlement_services: [service] }]",
    'policies: [{ id: default, file: default.cedar }]',
    'agents:',
    ...numbers.map((i) => `  - { id: agent-${i}, name: Agent ${i} }`),
    'mandates:',
    mandate('organisation', undefined, 'total: "900000000.00"'),
    ...teams.map((team) => mandate(`team-${team}`, 'organisation', 'total: "90000000.00"')),
    ...numbers.map((i) =>
      mandate(`agent-${i}`, `team-${i % TEAMS}`, `agent: agent-${i}, total: "900000.00", per_transaction: "500.00"`),
    ),
    '',
  ].join('\n');
}

/**
 * @param more settings of the transport under test
 * @param idle mandates beside those that are spent from
 */
export async function makeBenchDomain(
  flows: number,
  more: Readonly<Record<string, string>>,
  idle = 0,
): Promise<BenchDomain> {
  const folder = mkdtempSync(join(tmpdir(), 'spendgate-bench-'));
  const database = await startEmbeddedPostgres({ folder: join(folder, 'postgres') });
  const settings = {
    SPENDGATE_DATABASE_URL: database.url,
    SPENDGATE_DATA: folder,
    SPENDGATE_ISSUER: ISSUER,
    ...more,
  };
  const policy = 'permit (principal, action == Action::"spend", resource) when { context.amount_minor <= 100000 };\n';
  writeFileSync(join(folder, 'default.cedar'), policy);
  writeFileSync(join(folder, 'domain.yaml'), domainYaml(flows));
  const keys = join(folder, 'party-keys');
  await spendgate(['migrate', '--topics'], settings);
  await spendgate(['apply', join(folder, 'domain.yaml'), '--keys', keys], settings);
  for (const text of idleYamls(flows, idle)) {
    writeFileSync(join(folder, 'idle.yaml'), text);
    await spendgate(['apply', join(folder, 'idle.yaml'), '--keys', keys], settings);
  }
  const signers = new Map<number, Signer>();
  const publicKeys = new Map<string, KeyObject>();
  for (let i = 0; i < flows; i++) {
    const signer = await readPartySigner(keys, `agent-${i}`, 'agent');
    if (signer === undefined) throw new Error(`apply made no key for agent-${i}`);
    signers.set(i, signer);
    publicKeys.set(mandateId(`agent-${i}`), createPublicKey({ key: { ...signer.jwk }, format: 'jwk' }));
  }
  return {
    settings,
    database,
    flows: [...publicKeys.keys()],
    publicKeyOf: (flow) => {
      const key = publicKeys.get(flow);
      if (key === undefined) throw new Error(`no agent owns flow ${flow}`);
      return key;
    },
    signIntents: (count) => signIntents(count, signers),
    remove: async () => {
      await database.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Intents of one agent stay in order; agents take turns. */
async function signIntents(count: number, signers: ReadonlyMap<number, Signer>): Promise<SignedIntent[]> {
  const iat = Math.floor(Date.now() / 1000);
  const run = randomUUID();
  const perAgent = Math.ceil(count / signers.size);
  const byAgent = await Promise.all(
    [...signers].map(async ([i, signer]) => {
      const flow = mandateId(`agent-${i}`);
      const claims = Array.from({ length: perAgent }, (_, n) => ({
        iss: `agent-${i}`,
        aud: ISSUER,
        iat,
        exp: iat + 3_600,
        jti: `${run}-${n}`,
        mandate: flow,
        amount: { value: `${1 + ((i + n) % 90)}.25`, currency: 'USD' },
        counterparty: 'shop',
        audience: 'service',
        capture: { mode: 'single' },
        reference: `order-${n}`,
      }));
      return (await signTokens(signer, 'payment-intent+jwt', claims)).map((jws) => ({ flow, jws }));
    }),
  );
  return Array.from({ length: perAgent }, (_, n) => byAgent.map((own) => own[n]))
    .flat()
    .filter((one) => one !== undefined)
    .slice(0, count);
}
