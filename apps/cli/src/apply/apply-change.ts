import { canonicalize, sha256Text } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import {
  CHANGE_ACTIONS,
  type ChangeRequest,
  type Pool,
  approveChange,
  hasDecided,
  inControlAct,
  requestChange,
  takeAnyTime,
} from '@spendgate/store';
import type { Change } from './change.js';
import { Difference, type DifferenceRow } from './difference.js';
import { enactChange } from './enact-change.js';
import { type Person, signAct } from './person.js';
import { verifyMandates } from './verify-mandates.js';

/** How long a second person has: the request's signature dies with it. */
const REQUEST_LIFETIME_SECONDS = 86_400;
const APPROVAL_LIFETIME_SECONDS = 300;

/** The change takes two people, because the domain has decided on real intents. */
export class NeedsTwoPeople extends StartError {}

/**
 * Applies a change at once, which only a domain that has never decided allows (design: People).
 *
 * @throws {NeedsTwoPeople} it has decided, also when that happened a moment ago: looked at under the control lock
 */
export async function applyNow(pool: Pool, change: Change): Promise<DifferenceRow[]> {
  await verifyMandates(pool, change);
  const difference = new Difference();
  await inControlAct(pool, async (act) => {
    if (await hasDecided(act.tx)) throw new NeedsTwoPeople('this domain has decided: a change takes two people');
    await takeAnyTime(act); // nothing is decided here yet, so nobody waits for it
    await enactChange(difference.watch(act), change);
  });
  return difference.rows();
}

/** Stores a change under its requester's signature. @returns its id, for the second person @throws {StartError} refused */
export async function askForChange(
  pool: Pool,
  { change, issuer, person, reason }: { change: Change; issuer: string; person: Person; reason: string },
): Promise<string> {
  await verifyMandates(pool, change);
  const content = canonicalize(change);
  const token = await signAct(person, {
    action: CHANGE_ACTIONS.request,
    targets: [{ kind: 'domain', id: issuer, version: null }],
    reason,
    issuer,
    lifetimeSeconds: REQUEST_LIFETIME_SECONDS,
    changeHash: sha256Text(content),
  });
  const verdict = await inControlAct(pool, (control) => requestChange(control, content, token));
  if (!verdict.ok) throw new StartError(`nothing was requested: ${verdict.problem}`);
  return verdict.id;
}

/**
 * Approves a waiting change and applies exactly what is stored, in one act with both signatures in its leaf.
 *
 * @throws {StartError} refused: an own request, another key needed, a change that no longer fits; nothing was applied
 */
export async function approve(
  pool: Pool,
  { request, issuer, person }: { request: ChangeRequest; issuer: string; person: Person },
): Promise<DifferenceRow[]> {
  const change = changeOf(request);
  await verifyMandates(pool, change);
  const token = await signAct(person, {
    action: CHANGE_ACTIONS.approve,
    targets: [{ kind: 'domain', id: issuer, version: null }],
    reason: request.reason,
    issuer,
    lifetimeSeconds: APPROVAL_LIFETIME_SECONDS,
    request: request.id,
    changeHash: sha256Text(request.content),
  });
  const difference = new Difference();
  await inControlAct(pool, async (control) => {
    const verdict = await approveChange(control, request.id, token);
    if (!verdict.ok) throw new StartError(`nothing was applied: ${verdict.problem}`);
    if (verdict.content !== request.content) throw new StartError('nothing was applied: the request has changed');
    await enactChange(difference.watch(control), change, person.id);
  });
  return difference.rows();
}

/** What a request holds. Written by {@link askForChange}; approving compares its hash with both signatures. */
export function changeOf({ content }: ChangeRequest): Change {
  return JSON.parse(content) as Change; // as: our own canonical text, bound by the requester's signature
}
