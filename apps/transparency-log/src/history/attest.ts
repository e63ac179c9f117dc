import {
  DOMAIN_ATTESTATION_LIFETIME_SECONDS,
  type DomainAttestationClaims,
  canonicalize,
  hashJsonText,
  sha256,
  uuid8,
} from '@spendgate/codec';
import type { LogFold, Subject } from './log-fold.js';

type Named = Subject & { readonly id: string };

/** States in which a flow spends nothing until people have looked at it. */
const QUARANTINED = new Set<unknown>(['drifting', 'contained', 'recovering']);
/** States a flow's incident ends with, also where no leaf of its own says so. */
const OVER = new Set<unknown>(['revoked', 'archived']);

/** What the domain states of itself as of a tree: a pure function of the leaves, no clock and no table in it. */
export function attestationClaims(issuer: string, fold: LogFold): DomainAttestationClaims {
  const root = Buffer.from(fold.root()).toString('base64url');
  const iat = Math.floor(fold.lastMs / 1_000);
  const [keys, mandates, flows] = [fold.all('key'), fold.all('mandate'), fold.all('flow')];
  const incidents = fold.all('incident').filter(({ state }) => {
    return state['state'] === 'open' && !OVER.has(fold.subject('flow', String(state['flow']))?.state['state']);
  });
  const standing = mandates.filter(({ state }) => state['revoked'] !== true);
  return {
    iss: issuer,
    aud: issuer,
    iat,
    exp: iat + DOMAIN_ATTESTATION_LIFETIME_SECONDS,
    jti: uuid8(sha256(canonicalize(['attestation', issuer, fold.size, root]))),
    as_of: { tree_size: fold.size, leaf_index: fold.size - 1, root, time_ms: fold.lastMs },
    policies: fold.all('policy').map(({ id, state }) => {
      return { id, version: Number(state['version']), set_hash: String(state['set_hash']) };
    }),
    keys: { active: keys.filter(({ state }) => state['state'] === 'active').length, digest: digestOf(keys) },
    mandates: { standing: standing.length, revoked: mandates.length - standing.length, digest: digestOf(mandates) },
    flows: { states: countStates(flows), digest: digestOf(flows) },
    incidents: { open: incidents.length, digest: digestOf(incidents) },
    quarantine: quarantineOf(fold, flows),
    redacted: fold.redacted,
  };
}

function quarantineOf(fold: LogFold, all: readonly Named[]): DomainAttestationClaims['quarantine'] {
  const halts = fold.all('halt').filter(({ state }) => state['state'] !== 'released');
  const flows = all.filter(({ state }) => QUARANTINED.has(state['state']));
  const artifacts = fold.all('artifact').filter(({ state }) => state['state'] === 'suspended');
  const digest = digestOf([...halts, ...flows, ...artifacts]);
  return { halts: halts.length, flows: flows.length, artifacts: artifacts.length, digest };
}

/** Sorted by the name of the state. */
function countStates(flows: readonly Named[]): DomainAttestationClaims['flows']['states'] {
  const counts = new Map<string, number>();
  for (const { state } of flows) {
    const name = String(state['state']);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const found = [...counts].map(([state, count]) => ({ state, count }));
  return found.sort((a, b) => (a.state < b.state ? -1 : 1));
}

function digestOf(subjects: readonly Named[]): string {
  return hashJsonText(subjects.map(({ id, state }) => [id, state]));
}
