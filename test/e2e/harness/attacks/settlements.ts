import { randomUUID } from 'node:crypto';
import { type HeldArtifact, readArtifact, settlementClaims } from '@spendgate/client';
import { honestHeader, forge, sealed } from '../forge.js';
import { INPUTS_ISSUER, type InputsWorld, smallIntent } from '../inputs-world.js';
import { REQUEST, captureOf } from '../settlement-blocks.js';
import type { Attack } from './attack.js';

const DAY = 86_400;

/** Who may draw on an artifact, for what, how much and until when (design: who may use it). */
export async function captureAttacks(world: InputsWorld, artifact: string): Promise<Attack[]> {
  const held = readArtifact(artifact);
  const { settler, otherSettler, buyer, otherBuyer } = world.parties;
  const now = Math.floor(Date.now() / 1000);
  let made = 0;
  const claims = (change: object): object => captureOf(held, `attack-${(made += 1)}`, change);
  const by = async (
    name: string,
    answers: string | readonly string[],
    change: object,
    signer = settler,
  ): Promise<Attack> => settlementAttack(name, answers, await sealed(signer, REQUEST, claims(change)));
  const usd = (value: unknown): object => ({ amount: { value, currency: 'USD' } });
  return Promise.all([
    by('by another settlement service', 'audience_mismatch', { iss: 'other-settler' }, otherSettler),
    by('in the name of the bound service', 'issuer_unknown', {}, otherSettler),
    by('in the name of another service', 'issuer_unknown', { iss: 'other-settler' }),
    by('by the agent', ['audience_mismatch', 'issuer_unknown'], { iss: 'buyer' }, buyer),
    by('by another agent', ['audience_mismatch', 'issuer_unknown'], { iss: 'other-buyer' }, otherBuyer),
    by('of an artifact nobody issued', 'artifact_not_issued', { artifact: { ...held.reference, id: randomUUID() } }),
    by('of other claims under the same jti', 'artifact_not_issued', {
      artifact: { ...held.reference, hash: 'A'.repeat(43) },
    }),
    ...[undefined, null, '', 'none', [], artifact].map((each) =>
      by(`artifact as ${JSON.stringify(each)?.slice(0, 20)}`, 'artifact_missing', { artifact: each }),
    ),
    ...['1000.01', '99999999999999999999.99'].map((value) => by(`of ${value}`, 'amount_exceeds_artifact', usd(value))),
    ...['-0', '0.00', '-1.00', '1e2', 'NaN', '1.005', '\u0661.00', ' 1.00'].map((value) =>
      by(`of ${JSON.stringify(value)}`, ['amount_invalid', 'currency_precision'], usd(value)),
    ),
    by('in another currency', 'currency_mismatch', { amount: { value: '0.01', currency: 'EUR' } }),
    by('in gold', ['currency_unsupported', 'currency_mismatch'], { amount: { value: '1', currency: 'XAU' } }),
    by('for another payee', 'scope_mismatch', { counterparty: 'other-shop' }),
    by('for another reference', 'scope_mismatch', { merchant_reference: 'another' }),
    by('with an action nobody knows', 'malformed', { action: 'payout' }),
    by('that is a void and a capture', 'malformed', { void_id: 'v-1' }),
    by('without an amount', 'malformed', { amount: undefined }),
    by('for ten minutes', 'malformed', { iat: now, exp: now + 600 }),
    by('signed an hour ago', 'signature_invalid', { iat: now - 3_800, exp: now - 3_600 }),
    by('signed for tomorrow', 'signature_invalid', { iat: now + DAY, exp: now + DAY + 60 }),
    by('for another domain', 'domain_mismatch', { aud: 'https://other.example' }),
    by('with a member nobody asked for', 'unknown_field', { approved: true }),
    by('with an outcome of its own', 'unknown_field', { outcome: 'completed' }),
    by('that is a void by another service', 'audience_mismatch', voided('other-settler'), otherSettler),
    by('that is a void by another agent', 'audience_mismatch', voided('other-buyer'), otherBuyer),
  ]);
}

/** A void instead of a capture. */
function voided(iss: string): object {
  return { iss, action: 'void', void_id: 'v-attack', capture_id: undefined, amount: undefined };
}

/** Objects of one door at the other, and what only looks like a request. */
export async function crossedAttacks(
  world: InputsWorld,
  artifact: string,
): Promise<{ intents: Attack[]; settlements: Attack[] }> {
  const held = readArtifact(artifact);
  const { buyer, settler } = world.parties;
  const intent = await sealed(buyer, 'payment-intent+jwt', smallIntent('crossed', world.mandate('attacks')));
  const capture = await sealed(settler, REQUEST, captureOf(held, 'crossed'));
  const relabelled = await forge({
    header: honestHeader(settler, 'payment-intent+jwt'),
    payload: smallIntent('relabelled', world.mandate('attacks'), { iss: 'settler' }),
    signer: settler,
  });
  return {
    intents: [
      settlementAttack('a capture at the door of intents', 'type_mismatch', capture),
      settlementAttack('an artifact at the door of intents', 'type_mismatch', artifact),
      settlementAttack("an intent by a settlement service's key", 'key_unknown', relabelled),
    ],
    settlements: [
      settlementAttack('an intent at the door of captures', 'type_mismatch', intent),
      settlementAttack('an artifact at the door of captures', 'type_mismatch', artifact),
    ],
  };
}

/** A refund gives back captured money only: without any, nothing moves. */
export async function refundAttack(world: InputsWorld, held: HeldArtifact): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const signing = { party: 'settler', issuer: INPUTS_ISSUER, nowSeconds };
  const act = { action: 'refund', captureId: 'never', refundId: 'r-1', value: '0.01' } as const;
  return sealed(world.parties.settler, REQUEST, settlementClaims(held, act, signing));
}

function settlementAttack(name: string, answers: string | readonly string[], body: string): Attack {
  return { name: `capture: ${name}`, body, answers: typeof answers === 'string' ? [answers] : answers };
}
