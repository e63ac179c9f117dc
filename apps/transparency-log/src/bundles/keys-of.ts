import { parsePublicKey } from '@spendgate/artifact';
import type { BundleKey } from '@spendgate/codec';
import { type DomainKeyRow, type EvidenceLeaf, type Pool, readPartyKeys } from '@spendgate/store';
import { nameOf } from './gather-leaves.js';

/** Where keys are found, and the leaves that recorded them. */
export interface KeySources {
  readonly domainKeys: readonly DomainKeyRow[];
  readonly leaves: readonly EvidenceLeaf[];
  /** Keys of the parties that signed. */
  readonly partyKids: readonly string[];
}

/**
 * The domain's keys with their history and those of the parties that signed, each with the leaf that recorded it.
 * A key no leaf recorded is left out: nobody could check it.
 * A settlement service's keys are for settlements; the keys of other parties are named after them.
 */
export async function keysOf(
  pool: Pool,
  issuer: string,
  { domainKeys, leaves, partyKids }: KeySources,
): Promise<BundleKey[]> {
  const recorded = leavesByKid(leaves);
  const domain = domainKeys.map(({ kid, jwk, purpose }) => ({ kid, jwk, party: issuer, purpose }));
  const rows = await readPartyKeys(pool, partyKids);
  const parties = rows.map(({ kid, jwk, kind, partyId }) => {
    const purpose: BundleKey['purpose'] = kind === 'settlement_service' ? 'settlement' : kind;
    return { kid, jwk, party: partyId, purpose };
  });
  return [...domain, ...parties].flatMap((key) => {
    const leaf = recorded.get(key.kid);
    const parsed = parsePublicKey(key.jwk); // its members as RFC 7638 has them: what else a JWK carries proves nothing
    return leaf === undefined || !parsed.ok ? [] : [{ ...key, jwk: parsed.key.jwk, leaf }];
  });
}

/** The leaf that added each key. */
function leavesByKid(leaves: readonly EvidenceLeaf[]): Map<string, string> {
  const added = new Map<string, string>();
  for (const { leaf, leafHash, payload } of leaves) {
    if (payload === null || !leaf.includes('"type":"key_changed"')) continue;
    const { act, kid } = JSON.parse(payload) as { act?: unknown; kid?: unknown }; // as: the payload of key/1
    if ((act === 'key_added' || act === 'domain_key_added') && typeof kid === 'string')
      added.set(kid, nameOf(leafHash));
  }
  return added;
}
