import {
  PrivateKeySigner,
  type PartyKeyPurpose,
  parsePublicKey,
  readPartySigner,
  writePartyKey,
} from '@spendgate/artifact';
import type { PublicJwk, Signer, TokenAlgorithm } from '@spendgate/artifact';
import { checkWebhookUrl } from '@spendgate/http-edge';
import { StartError } from '@spendgate/platform';
import type { KeyDeclaration, PartyDeclaration, PartyKind } from '@spendgate/store';
import type { DomainFile } from './domain-file.js';

type Entry = DomainFile['people'][number] | DomainFile['agents'][number];

/** Which list of the file declares which kind of party, and what its keys may sign. */
const LISTS = [
  { list: 'principals', kind: 'principal', purpose: 'principal' },
  { list: 'people', kind: 'person', purpose: 'person' },
  { list: 'settlement_services', kind: 'settlement_service', purpose: 'settlement' },
  { list: 'attesters', kind: 'attester', purpose: 'attester' },
  { list: 'rails', kind: 'rail', purpose: 'rail' },
  { list: 'agents', kind: 'agent', purpose: 'agent' },
] as const satisfies readonly { list: keyof DomainFile; kind: PartyKind; purpose: PartyKeyPurpose }[];

export interface DeclaredParties {
  readonly parties: readonly PartyDeclaration[];
  readonly keys: readonly KeyDeclaration[];
}

/**
 * Parties and their public keys. A party without `key` in the file uses `ID.jwk.json` of the key folder, which is made
 * when it is not there: the folder's owner then holds that party's key.
 *
 * @throws {StartError} a key that is weak, private or not a JWK
 */
export async function declareParties(file: DomainFile, keyFolder: string): Promise<DeclaredParties> {
  const entries = LISTS.flatMap(({ list, kind, purpose }) =>
    file[list].map((entry: Entry) => ({ entry, kind, purpose })),
  );
  const keys = await Promise.all(
    entries.map(async ({ entry, kind, purpose }): Promise<KeyDeclaration> => {
      const key =
        entry.key === undefined ? await keyFromFolder(keyFolder, entry.id, purpose) : publicKey(entry, purpose);
      return { ...key, kind, partyId: entry.id };
    }),
  );
  const insecure = file.domain?.kind === 'demo';
  const parties = entries.map(({ entry, kind }) => {
    return { kind, id: entry.id, name: entry.name, body: bodyOf(entry, insecure) };
  });
  return { parties, keys };
}

/** What its kind needs beside a name. @throws {StartError} a webhook nobody may be sent to */
function bodyOf(entry: Entry, insecure: boolean): Readonly<Record<string, unknown>> {
  if ('roles' in entry) return { roles: entry.roles };
  if (!('webhook' in entry) || entry.webhook === undefined) return {};
  const wrong = checkWebhookUrl(entry.webhook.url, insecure);
  if (wrong !== null) throw new StartError(`webhook of ${entry.id}: ${wrong}`);
  return { webhook: entry.webhook };
}

interface PublicKey {
  readonly kid: string;
  readonly alg: TokenAlgorithm;
  readonly jwk: PublicJwk;
}

async function keyFromFolder(folder: string, party: string, purpose: PartyKeyPurpose): Promise<PublicKey> {
  const known = await readPartySigner(folder, party, purpose);
  if (known !== undefined) return publicHalf(known);
  const made = PrivateKeySigner.generate(purpose);
  await writePartyKey(folder, party, made);
  return publicHalf(made);
}

/** What may leave this machine of a signer. */
function publicHalf({ kid, alg, jwk }: Signer): PublicKey {
  return { kid, alg, jwk };
}

function publicKey(entry: Entry, purpose: PartyKeyPurpose): PublicKey {
  const parsed = parsePublicKey(entry.key ?? {}, { purpose, party: entry.id });
  if (!parsed.ok) throw new StartError(`key of ${entry.id}: ${parsed.problem} (${parsed.detail})`);
  const [alg = 'EdDSA'] = parsed.key.algorithms;
  return { kid: parsed.key.kid, alg, jwk: parsed.key.jwk };
}
