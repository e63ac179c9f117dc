import { thumbprint } from '@spendgate/artifact';
import { type BundleKey, DOMAIN_PURPOSES } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import { type OpenedLeaf, type OpenedLog, memberOf, payloadOf } from './opened-bundle.js';

/** A key the verifier trusts itself needs no leaf; any other is the one its leaf recorded, in its place in time. */
export function checkSigner(opened: OpenedLog, kid: string, actIndex: number | null): void {
  const { bundle, trust } = opened;
  if (trust?.find(kid) !== undefined) return;
  const key = bundle.keys.find((each) => each.kid === kid) ?? refuse(actIndex, `key ${kid} is not in the bundle`);
  const isDomains = DOMAIN_PURPOSES.some((each) => each === key.purpose);
  if (isDomains && trust !== null) refuse(actIndex, `key ${kid} of the domain is not in the trust file`);
  const leaf = checkRecord(opened, key, actIndex);
  if (actIndex !== null && leaf.index >= actIndex) refuse(leaf.index, `key ${kid} was recorded after it signed`);
}

/** Every key listed is what its leaf recorded, also one that signed nothing here: no word of the list is unproven. */
export function checkRecord({ bundle, byHash }: OpenedLog, key: BundleKey, actIndex: number | null): OpenedLeaf {
  const leaf = byHash.get(key.leaf) ?? refuse(actIndex, `no leaf in the bundle recorded key ${key.kid}`);
  const isDomains = DOMAIN_PURPOSES.some((each) => each === key.purpose);
  const isNamed = thumbprint(key.jwk) === key.kid && (!isDomains || key.party === bundle.domain);
  if (!isNamed || !recordsKey(leaf, key, isDomains)) {
    refuse(leaf.index, `the leaf does not record key ${key.kid} of ${key.party}`);
  }
  return leaf;
}

/** The leaf says: this very public key, for this party or purpose, was added. */
function recordsKey(leaf: OpenedLeaf, key: BundleKey, isDomains: boolean): boolean {
  if (leaf.leaf?.type !== 'key_changed') return false;
  const said = payloadOf(leaf, `key ${key.kid}`);
  const jwk = memberOf(said, 'jwk');
  const isSame = said['kid'] === key.kid && Object.entries(key.jwk).every(([name, value]) => jwk[name] === value);
  if (isDomains) return isSame && said['act'] === 'domain_key_added' && said['purpose'] === key.purpose;
  return (
    isSame && said['act'] === 'key_added' && said['party'] === key.party && PURPOSE_OF(said['kind']) === key.purpose
  );
}

/** A settlement service's keys are for settlements; other parties' purposes have their own names. */
const PURPOSE_OF = (kind: unknown): unknown => (kind === 'settlement_service' ? 'settlement' : kind);
