import { ALL_DOMAIN_PURPOSES, DomainKeys } from '@spendgate/artifact';
import { DEFAULT_POLICY, PolicySet } from '@spendgate/policy';
import { type Pool, readStandingMandates } from '@spendgate/store';
import type { Change, DeclaredChange } from './change.js';
import { checkRails } from './check-rails.js';
import { declareMandates } from './declare-mandates.js';
import { declareParties } from './declare-parties.js';
import type { MandateEntry } from './domain-file.js';
import type { PolicyText, ReadDomain } from './read-domain-file.js';

/** Where an apply takes place. */
export interface ApplyPlace {
  readonly pool: Pool;
  readonly issuer: string;
  /** Folder of the domain's own keys. */
  readonly domainKeys: string;
  /** Folder of the parties' keys; missing ones are made. */
  readonly partyKeys: string;
  readonly passphrase: string | undefined;
  readonly nowMs: number;
}

const REVOKED_BY_FILE = 'declared as revoked';

/**
 * Turns a domain file into changes: declarations first, then what they revoke. Signs what the keys in the folder may
 * sign; what is recorded already as declared is left out.
 *
 * @param withDomainKeys a domain's own keys are made at its beginning only; later they change by key transitions
 * @throws {StartError} an unknown parent, a principal's key that is missing, a policy that does not load
 */
export async function prepareChanges(
  { file, policies }: ReadDomain,
  place: ApplyPlace,
  withDomainKeys: boolean,
): Promise<Change[]> {
  const { pool, issuer, nowMs, partyKeys } = place;
  checkRails(file, issuer);
  const declared = await declareParties(file, partyKeys);
  const ids = file.mandates.flatMap(({ id, parent }) => (parent === undefined ? [id] : [id, parent]));
  const standing = await readStandingMandates(pool, ids);
  const change: DeclaredChange = {
    kind: 'declare',
    domainKeys: withDomainKeys ? await ownKeys(place) : [],
    ...declared,
    counterparties: file.counterparties.map(toCounterparty),
    policies: policies.map(toPolicy),
    mandates: await declareMandates(file.mandates, standing, {
      ...{ keyFolder: partyKeys, issuer, nowSeconds: Math.floor(nowMs / 1000) },
      isDeciding: !withDomainKeys,
    }),
    detectors: detectorsOf(file),
  };
  const ended = new Set(standing.filter((mandate) => mandate.revoked).map((mandate) => mandate.id));
  return [change, ...revocations(file.mandates.filter(({ id, revoked }) => revoked && !ended.has(id)))];
}

function revocations(entries: readonly MandateEntry[]): Change[] {
  return [...new Set(entries.map(({ principal }) => principal))].map((by) => {
    const mandates = entries.filter(({ principal }) => principal === by).map(({ id }) => id);
    return { kind: 'revoke', mandates, reason: REVOKED_BY_FILE, by };
  });
}

async function ownKeys(place: ApplyPlace): Promise<DeclaredChange['domainKeys']> {
  const own = await DomainKeys.open(place.domainKeys, {
    issuer: place.issuer,
    purposes: ALL_DOMAIN_PURPOSES,
    passphrase: place.passphrase,
    createAtMs: place.nowMs,
  });
  return ALL_DOMAIN_PURPOSES.map((purpose) => {
    const { kid, alg, jwk } = own.signer(purpose);
    return { kid, alg, jwk, purpose };
  });
}

function toCounterparty(entry: ReadDomain['file']['counterparties'][number]) {
  const { id, legal_name: legalName, category, accounts, settlement_services: settlementServices, rail } = entry;
  return { id, legalName, category, accounts, settlementServices, rail };
}

function detectorsOf({ domain }: ReadDomain['file']): DeclaredChange['detectors'] {
  const declared = domain?.detectors;
  return declared === undefined ? null : { mode: declared.mode, eventsPerDay: declared.intents_per_day };
}

/** Validated before it is put in force; the version is counted by the store. */
function toPolicy({ id, text }: PolicyText) {
  const { schemaText } = DEFAULT_POLICY;
  const { setHash } = PolicySet.load({ policyId: id, version: 1, policyText: text, schemaText });
  return { policyId: id, setHash, policyText: text, schemaText };
}
