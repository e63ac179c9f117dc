import {
  type ArtifactClaims,
  type Bundle,
  canonicalize,
  hashJsonText,
  intentBodyHash,
  sha256Text,
} from '@spendgate/codec';
import type { ArtifactTerms } from '@spendgate/core';
import { decisionText } from '../replay/recompute-decision.js';
import { refuse } from './bundle-report.js';
import { type OpenedBundle, type Payload, decisionLeaf, memberOf, textOf } from './opened-bundle.js';
import { EVER, verifySigned } from './signed.js';

export const UNSIGNED = 'as the log serves it: export it with `spendgate report artifact`, which adds what is signed';

/**
 * C10: the domain signed this artifact, on a request its agent signed, by a decision the log holds.
 *
 * @throws {BundleFault}
 */
export async function checkAuthorization(opened: OpenedBundle): Promise<string> {
  const { leaf, payload } = decisionLeaf(opened);
  const { index } = leaf;
  if (leaf.leaf?.type !== 'decision_authorized') refuse(index, 'the leaf is not of an authorization');
  compareDecision(opened.bundle.proof.decision, payload, index);
  const claims = await readArtifact(opened, payload, index);
  const { domain, subject, proof } = opened.bundle;
  if (claims.iss !== domain) refuse(index, `the artifact is of ${claims.iss}`);
  if (claims.jti !== subject.id) refuse(index, 'the artifact is another one than the subject');
  if (canonicalize(claims) !== proof.artifact.claims) refuse(index, 'proof.artifact.claims are not what is signed');
  await checkIntent(opened, payload, claims, index);
  checkReadSet(opened, payload, claims, index);
  const [{ amount, counterparty }] = claims.authorization_details;
  return `${claims.sub} may spend ${amount.value} ${amount.currency} at ${counterparty.id}, signed by ${domain}`;
}

/** The artifact's claims, signed by the domain and named by the decision's leaf. */
async function readArtifact(opened: OpenedBundle, payload: Payload, index: number): Promise<ArtifactClaims> {
  const { proof } = opened.bundle;
  if (proof.artifact.token === null) return refuse(index, `no signed artifact, ${UNSIGNED}`);
  const during = () => ({ fromMs: proof.decision.judged_at, toMs: EVER });
  const { claims } = await verifySigned(opened, 'authorization-artifact+jwt', proof.artifact.token, index, during);
  const named = memberOf(payload, 'artifact');
  if (named['id'] !== claims.jti || named['hash'] !== hashJsonText(claims)) {
    refuse(index, 'the leaf is about another artifact, or its claims were others');
  }
  if (claims.policy.decision_hash !== payload['decision_hash']) refuse(index, 'the artifact names another decision');
  return claims;
}

/** The agent asked for what the artifact grants. */
async function checkIntent(opened: OpenedBundle, payload: Payload, artifact: ArtifactClaims, index: number) {
  const { intent, decision } = opened.bundle.proof;
  // Taken up again, it was signed before: its key need not be active any more.
  const during = ({ iat }: { readonly iat: number }) => ({
    fromMs: decision.supersedes === null ? decision.appended_at : iat * 1_000,
    toMs: decision.judged_at,
  });
  const { claims, key } = await verifySigned(opened, 'payment-intent+jwt', intent, index, during);
  const [{ amount, counterparty }] = artifact.authorization_details;
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['its key', key.party, claims.iss],
    ['agent', claims.iss, payload['agent']],
    ['agent', claims.iss, artifact.sub],
    ['agent_kid', key.kid, payload['agent_kid']],
    ['intent_hash', intentBodyHash(claims).toString('base64url'), payload['intent_hash']],
    ['mandate', claims.mandate, artifact.flow.mandate],
    ['audience', claims.audience, artifact.aud],
    ['counterparty', claims.counterparty, counterparty.id],
    ['amount', granted(opened, claims.amount, amount), canonicalize(amount)],
  ];
  const other = pairs.find(([, asked, granted]) => asked !== granted);
  if (other !== undefined) refuse(index, `the signed intent differs from what was granted: ${other[0]}`);
}

/**
 * The read set is the one `decision_hash` covers: all else the hash is over, the artifact and the leaf say. No rule is
 * needed for it, so it holds for a decision of any release; whether the rules give the decision is the replay's to say.
 */
function checkReadSet({ bundle }: OpenedBundle, payload: Payload, artifact: ArtifactClaims, index: number): void {
  const { read_set, intent_id, decision_hash } = bundle.proof.decision;
  if (read_set === null) return;
  const intent = { bodyHash: textOf(payload['intent_hash']), intentId: intent_id };
  const { outcome, code, field, stages, spending } = payload;
  const terms = termsOf(artifact);
  const decision = { outcome, code, field, limit: null, stages, spending, terms, parkedUntilMs: null };
  if (sha256Text(decisionText(intent, decision, read_set)) !== decision_hash) {
    refuse(index, 'the decision was not made on this read set');
  }
}

function termsOf({ iat, nbf, exp, flow, authorization_details: [{ amount, capture }] }: ArtifactClaims): ArtifactTerms {
  const { value, currency } = amount;
  return { amount: value, currency, iat, nbf, exp, settleBy: capture.settle_by, epoch: flow.epoch };
}

type Amount = ArtifactClaims['authorization_details'][0]['amount'];

/** What the artifact may be for: what was asked, or less where its decision comes of a renewal. RFC 8785 form. */
function granted(opened: OpenedBundle, asked: Amount, amount: Amount): string {
  const { leaf } = decisionLeaf(opened).leaf;
  const renewed = leaf?.causes.some((hash) => opened.byHash.get(hash)?.leaf?.type === 'artifact_renewed') === true;
  const isWithin = asked.currency === amount.currency && isAtMost(amount.value, asked.value);
  return canonicalize(renewed && isWithin ? amount : asked);
}

const SPELLING = /^(\d{1,20})(?:\.(\d{1,18}))?$/;

/** Two amounts of one currency in the one spelling it has: with equally many digits after the point. */
function isAtMost(less: string, more: string): boolean {
  const [a, b] = [SPELLING.exec(less), SPELLING.exec(more)];
  if (a === null || b === null || a[2]?.length !== b[2]?.length) return false;
  return BigInt(less.replace('.', '')) <= BigInt(more.replace('.', ''));
}

/** The stored decision says what its leaf says. */
export function compareDecision(decision: Bundle['proof']['decision'], payload: Payload, index: number): void {
  const said = ['decision_id', 'intent_id', 'outcome', 'code', 'field', 'supersedes', 'decision_hash'] as const;
  const times = ['appended_at', 'judged_at'] as const;
  const other = [...said, ...times].find((name) => decision[name] !== payload[name]);
  if (other !== undefined) refuse(index, `the stored decision and its leaf differ: ${other}`);
}
