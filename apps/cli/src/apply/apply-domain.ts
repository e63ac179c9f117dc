import { ALL_DOMAIN_PURPOSES, DomainKeys, type Signer } from '@spendgate/artifact';
import { DEFAULT_POLICY, PolicySet } from '@spendgate/policy';
import { StartError } from '@spendgate/platform';
import {
  type Pool,
  activatePolicies,
  inControlAct,
  readStandingMandates,
  recordCounterparties,
  recordDomainKeys,
  recordKeys,
  recordMandates,
  recordParties,
  revokeMandates,
} from '@spendgate/store';
import { declareMandates } from './declare-mandates.js';
import { declareParties } from './declare-parties.js';
import type { DomainFile } from './domain-file.js';
import type { PolicyText, ReadDomain } from './read-domain-file.js';

/** Where an apply takes place. */
export interface ApplyPlace {
  readonly pool: Pool;
  readonly issuer: string;
  /** Folder of the domain's own keys; missing ones are made. */
  readonly domainKeys: string;
  /** Folder of the parties' keys; missing ones are made. */
  readonly partyKeys: string;
  readonly passphrase: string | undefined;
  readonly nowMs: number;
}

/** What an apply changed, by the names in the file. */
export interface Applied {
  readonly parties: number;
  readonly keys: number;
  readonly counterparties: number;
  readonly policies: readonly string[];
  readonly mandates: number;
  readonly revoked: number;
}

const REVOKED_BY_FILE = 'declared as revoked';

/**
 * Makes what a domain file declares real in one control act, all of it or nothing; revocations follow it. What is recorded already is left
 * alone, so applying a file twice changes nothing.
 *
 * @throws {StartError} a mandate wider than its parent, an unknown party, a policy that does not load
 */
export async function applyDomain({ file, policies }: ReadDomain, place: ApplyPlace): Promise<Applied> {
  const { pool, issuer, nowMs } = place;
  const own = await DomainKeys.open(place.domainKeys, {
    issuer,
    purposes: ALL_DOMAIN_PURPOSES,
    passphrase: place.passphrase,
    createAtMs: nowMs,
  });
  const declared = await declareParties(file, place.partyKeys);
  const ids = file.mandates.flatMap(({ id, parent }) => (parent === undefined ? [id] : [id, parent]));
  const standing = await readStandingMandates(pool, ids);
  const mandates = await declareMandates(file.mandates, standing, place.partyKeys, issuer, Math.floor(nowMs / 1000));
  const ended = new Set(standing.filter((mandate) => mandate.revoked).map((mandate) => mandate.id));
  const toRevoke = file.mandates.filter(({ id, revoked }) => revoked && !ended.has(id));
  const recorded = await inControlAct(pool, async (act) => {
    await recordDomainKeys(
      act,
      ALL_DOMAIN_PURPOSES.map((purpose) => ({ ...pick(own.signer(purpose)), purpose })),
    );
    const parties = await recordParties(act, declared.parties);
    const keys = await recordKeys(act, declared.keys);
    const counterparties = await recordCounterparties(act, file.counterparties.map(toCounterparty));
    const activated = await activatePolicies(act, policies.map(toPolicy));
    const plan = await recordMandates(act, mandates);
    if (plan.refused.length > 0) {
      const lines = plan.refused.map(({ id, code, field }) => `mandate ${id}: ${code} (${field})`);
      throw new StartError(`nothing was applied:\n${lines.join('\n')}`);
    }
    return {
      parties: parties.length,
      keys: keys.length,
      counterparties: counterparties.length,
      policies: activated.map(({ policyId, version }) => `${policyId}/${version}`),
      mandates: plan.planned.length,
    };
  });
  return { ...recorded, revoked: await revoke(pool, toRevoke) };
}

/** After the declarations, in acts of their own: a revocation takes locks down to the holds, and is final. */
async function revoke(pool: Pool, entries: DomainFile['mandates']): Promise<number> {
  let revoked = 0;
  for (const by of new Set(entries.map(({ principal }) => principal))) {
    const mandateIds = entries.filter(({ principal }) => principal === by).map(({ id }) => id);
    const ended = await inControlAct(pool, (act) => revokeMandates(act, { mandateIds, by, reason: REVOKED_BY_FILE }));
    revoked += ended.mandates.length;
  }
  return revoked;
}

function pick({ kid, alg, jwk }: Signer): Pick<Signer, 'kid' | 'alg' | 'jwk'> {
  return { kid, alg, jwk };
}

function toCounterparty(entry: ReadDomain['file']['counterparties'][number]) {
  const { id, legal_name: legalName, category, accounts, settlement_services: settlementServices, rail } = entry;
  return { id, legalName, category, accounts, settlementServices, rail };
}

/** Validated before it is put in force; the version is counted by the store. */
function toPolicy({ id, text }: PolicyText) {
  const { schemaText } = DEFAULT_POLICY;
  const { setHash } = PolicySet.load({ policyId: id, version: 1, policyText: text, schemaText });
  return { policyId: id, setHash, policyText: text, schemaText };
}
