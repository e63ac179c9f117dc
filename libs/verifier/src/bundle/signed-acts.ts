import { type OpsActionClaims, canonicalize, opsContentHash, sha256, uuid8 } from '@spendgate/codec';
import { isOpsAction, peopleFor } from '@spendgate/core';
import { refuse } from './bundle-report.js';
import type { OpenedIncident, Story, Told } from './incident-story.js';
import { textOf } from './opened-bundle.js';
import { verifySigned } from './signed.js';

/** A person's act as signed. */
export interface SignedAct {
  readonly index: number;
  readonly id: string;
  readonly person: string;
  readonly kid: string;
  readonly claims: OpsActionClaims;
  /** Of the second of two: the first. */
  readonly requester: SignedAct | null;
}

/**
 * The acts of people in a bundle, by leaf hash: each is the token its leaf carries, verified, and of two people's acts
 * the second is over the first.
 *
 * @throws {BundleFault} at the first act that is not what was signed
 */
export async function readActs(opened: OpenedIncident, story: Story): Promise<ReadonlyMap<string, SignedAct>> {
  const acts = new Map<string, SignedAct>();
  for (const told of story.acts.values()) {
    const { request } = told.payload;
    const first = [...acts.values()].find(({ id }) => id === request) ?? null;
    if (request !== null && first === null)
      refuse(told.index, `the act that leaf ${told.index} approves is not in the bundle`);
    const act = await readAct(opened, told, first);
    checkPair(told, act, story);
    acts.set(told.hash, act);
  }
  return acts;
}

async function readAct(
  opened: OpenedIncident,
  { index, payload, timeMs }: Told,
  first: SignedAct | null,
): Promise<SignedAct> {
  const during = ({ iat }: { readonly iat: number }) => ({ fromMs: iat * 1_000, toMs: timeMs });
  const token = textOf(payload['token']);
  const { claims, key } = await verifySigned(opened, 'ops-action+jwt', token, index, during);
  const id = uuid8(sha256(canonicalize(['ops-act', claims.iss, claims.jti])));
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['person', payload['person'], claims.iss],
    ['person', key.party, claims.iss],
    ['domain', claims.aud, opened.bundle.domain],
    ['id', payload['id'], id],
    ['act', payload['act'], claims.action],
    ['reason', payload['reason'], claims.reason],
    ['request', payload['request'], claims.request],
    ['targets', canonicalize(payload['targets'] ?? null), canonicalize(claims.targets)],
  ];
  const other = pairs.find(([, said, signed]) => said !== signed);
  if (other !== undefined) refuse(index, `the signed act and the log differ: ${other[0]}`);
  return { index, id, person: claims.iss, kid: key.kid, claims, requester: first };
}

/** Two people by name and by key, the second signature over what the first one asked. */
function checkPair({ index, causes }: Told, { claims, requester, person, kid }: SignedAct, story: Story): void {
  const kinds = claims.targets.map(({ kind }) => kind);
  const takesTwo = isOpsAction(claims.action) && peopleFor(claims.action, kinds) === 2;
  if (requester === null) {
    // A first signature alone has no effect: what it asked for must not have happened by it.
    const effect = [story.closed, ...story.transitions].find((each) =>
      each?.causes.some((hash) => story.acts.get(hash)?.index === index),
    );
    if (takesTwo && effect != null) refuse(effect.index, 'it came of one signature, and takes two people');
    return;
  }
  if (person === requester.person) refuse(index, `${person} approved their own request`);
  if (kid === requester.kid) refuse(index, 'both signatures are by one key');
  if (claims.change_hash !== opsContentHash(requester.claims)) refuse(index, 'the second signature is for another act');
  if (
    canonicalize(claims.targets) !== canonicalize(requester.claims.targets) ||
    claims.action !== requester.claims.action
  )
    refuse(index, 'the second signature names other targets');
  const first = [...story.acts.values()].find((each) => each.index === requester.index);
  if (first === undefined || !causes.includes(first.hash)) refuse(index, 'the approval does not come of the request');
}
