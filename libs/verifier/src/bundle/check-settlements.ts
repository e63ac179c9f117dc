import {
  type ArtifactClaims,
  type BundleSettlement,
  type SettlementReceiptClaims,
  type SettlementRequestClaims,
  artifactSchema,
  canonicalize,
  hashJsonText,
  settlementBodyHash,
} from '@spendgate/codec';
import { decimal } from '@spendgate/core';
import { refuse } from './bundle-report.js';
import { UNSIGNED } from './check-authorization.js';
import {
  type OpenedBundle,
  type OpenedLog,
  type Payload,
  decisionLeaf,
  leafOf,
  memberOf,
  parseObject,
  payloadOf,
} from './opened-bundle.js';
import { EVER, verifySigned } from './signed.js';

/** A settlement's decision with everything that was signed about it. */
interface Settled {
  readonly index: number;
  readonly timeMs: number;
  readonly payload: Payload;
  readonly request: SettlementRequestClaims;
}

/**
 * C15: each settlement was asked for by a registered presenter, granted by a receipt the domain signed, and both say
 * what the log says; so does each outcome that was reported.
 *
 * @throws {BundleFault}
 */
export async function checkExecution(opened: OpenedBundle): Promise<string> {
  const { settlements, outcomes } = opened.bundle.proof;
  for (const settlement of settlements) {
    await checkDecided(opened, settlement, 'authorized');
  }
  for (const outcome of outcomes) await checkOutcome(opened, outcome);
  if (settlements.length === 0) return 'nothing had been settled';
  return `${settlements.length} settlements with signed receipts, ${outcomes.length} outcomes`;
}

/**
 * C13: the decision passed every stage, and what was granted stayed within the artifact: its actions, payee, presenter,
 * times, number of captures and amount. Amounts in major units, one currency.
 *
 * @throws {BundleFault}
 */
export async function checkEnforcement(opened: OpenedBundle): Promise<string> {
  const { leaf, payload } = decisionLeaf(opened);
  const stages = Array.isArray(payload['stages']) ? payload['stages'].map((each) => memberOf({ each }, 'each')) : [];
  if (stages.length === 0 || stages.some(({ verdict }) => verdict !== 'passed')) {
    refuse(leaf.index, 'a stage of the decision did not pass');
  }
  const artifact = artifactSchema.safeParse(parseObject(opened.bundle.proof.artifact.claims));
  if (!artifact.success) return refuse(leaf.index, 'proof.artifact.claims are no claims of an artifact');
  const used = new Use(artifact.data);
  const settled = await Promise.all(
    opened.bundle.proof.settlements.map((each) => readSettled(opened, each, 'authorized')),
  );
  for (const each of settled.sort((a, b) => a.index - b.index)) {
    const problem = used.add(each);
    if (problem !== null) refuse(each.index, problem);
  }
  return `${stages.length} stages passed; ${used.text()}`;
}

type Outcome = 'authorized' | 'denied';

/** A settlement's decision as its leaf has it: asked for by a signed request, answered by a signed receipt. */
export async function checkDecided(
  opened: OpenedBundle,
  settlement: BundleSettlement,
  outcome: Outcome,
): Promise<Settled> {
  const settled = await readSettled(opened, settlement, outcome);
  const receipt = await readReceipt(opened, settlement, settled.index);
  const other = difference(receipt, settled.request, settled.payload, settlement);
  if (other !== undefined) refuse(settled.index, `the receipt and the log differ: ${other}`);
  return settled;
}

/** The signed request of a settlement and the leaf of the decision on it. */
export async function readSettled(
  opened: OpenedLog,
  settlement: Omit<BundleSettlement, 'claims' | 'receipt'>,
  outcome: Outcome,
): Promise<Settled> {
  const leaf = leafOf(opened, settlement.leaf_hash, `settlement ${settlement.settlement_id}`);
  const { index } = leaf;
  const payload = payloadOf(leaf, `settlement ${settlement.settlement_id}`);
  const timeMs = leaf.leaf?.time ?? Number.NaN;
  const { claims, key } = await verifySigned(
    opened,
    'settlement-request+jwt',
    settlement.request,
    index,
    ({ iat }) => ({
      fromMs: iat * 1_000,
      toMs: timeMs,
    }),
  );
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['type', leaf.leaf?.type, outcome === 'denied' ? 'settlement_denied' : `settlement_${claims.action}_authorized`],
    ['settlement', payload['settlement'], settlement.settlement_id],
    ['attempt', payload['attempt'], settlement.attempt],
    ['presenter', payload['presenter'], claims.iss],
    ['presenter', payload['presenter'], key.party],
    ['presenter_kid', payload['presenter_kid'], key.kid],
    ['request_hash', payload['request_hash'], settlementBodyHash(claims).toString('base64url')],
    ['outcome', payload['outcome'], outcome],
  ];
  const other = pairs.find(([, said, signed]) => said !== signed);
  if (other !== undefined) refuse(index, `the signed request and the log differ: ${other[0]}`);
  return { index, timeMs, payload, request: claims };
}

async function readReceipt(opened: OpenedBundle, { claims: text, receipt }: BundleSettlement, index: number) {
  if (receipt === null) return refuse(index, `no signed receipt, ${UNSIGNED}`);
  const { domain } = opened.bundle;
  const { claims } = await verifySigned(opened, 'settlement-receipt+jwt', receipt, index, ({ iat }) => ({
    fromMs: iat * 1_000,
    toMs: EVER,
  }));
  if (canonicalize(claims) !== text) refuse(index, 'the receipt is not over the claims stated');
  if (claims.iss !== domain) refuse(index, `the receipt is of ${claims.iss}`);
  return claims;
}

/** @returns the first member in which receipt, request and leaf do not agree */
function difference(
  receipt: SettlementReceiptClaims,
  request: SettlementRequestClaims,
  payload: Payload,
  settlement: BundleSettlement,
): string | undefined {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['jti', receipt.jti, payload['settlement']],
    ['request_hash', receipt.request_hash, payload['request_hash']],
    ['action', receipt.action, request.action],
    ['artifact', canonicalize(receipt.artifact), canonicalize(memberOf(payload, 'artifact'))],
    ['outcome', receipt.outcome, payload['outcome']],
    ['code', receipt.code, payload['code'] ?? null],
    ['field', receipt.field, payload['field'] ?? null],
    ['amount', receipt.amount?.value ?? null, payload['amount'] ?? null],
    ['currency', receipt.amount?.currency ?? null, payload['currency'] ?? null],
    ['state', receipt.state, payload['state']],
    ['decision_hash', receipt.decision_hash, payload['decision_hash']],
    ['leaf_hash', receipt.leaf_hash, settlement.leaf_hash],
  ];
  return pairs.find(([, signed, said]) => signed !== said)?.[0];
}

async function checkOutcome(opened: OpenedBundle, outcome: OpenedBundle['bundle']['proof']['outcomes'][number]) {
  const leaf = leafOf(opened, outcome.leaf_hash, `outcome ${outcome.outcome_id}`);
  const { index } = leaf;
  const payload = payloadOf(leaf, `outcome ${outcome.outcome_id}`);
  const isOf = opened.bundle.proof.settlements.some((each) => each.settlement_id === outcome.settlement_id);
  const named = payload['outcome_id'] === outcome.outcome_id && payload['settlement'] === outcome.settlement_id;
  if (!isOf || !named) refuse(index, 'the outcome is of no settlement of this bundle');
  if (outcome.token === null) return; // no party reported it: the leaf is all there is
  const timeMs = leaf.leaf?.time ?? Number.NaN;
  const during = ({ iat }: { iat: number }) => ({ fromMs: iat * 1_000, toMs: timeMs });
  const { claims, key } = await verifySigned(opened, 'settlement-outcome+jwt', outcome.token, index, during);
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['reporter', payload['reporter'], claims.iss],
    ['reporter', payload['reporter'], key.party],
    ['outcome', payload['outcome'], claims.outcome],
    ['amount', canonicalize(payload['amount'] ?? null), canonicalize(claims.amount)],
  ];
  const other = pairs.find(([, said, signed]) => said !== signed);
  if (other !== undefined) refuse(index, `the reported outcome and the log differ: ${other[0]}`);
}

type Amount = ReturnType<typeof decimal>;
/** As the domain writes one: bounded, so that it can be read. */
const AMOUNT = /^\d{1,20}(\.\d{1,18})?$/;

/** What an artifact was used for so far, in the order of the log. */
class Use {
  private captured: Amount = decimal('0');
  private refunded: Amount = decimal('0');
  private captures = 0;

  constructor(private readonly artifact: ArtifactClaims) {}

  /** @returns the rule a granted settlement breaks; null when none */
  add({ request, payload, timeMs }: Settled): string | null {
    const [{ actions, amount, counterparty, capture }] = this.artifact.authorization_details;
    const { id, hash } = request.artifact;
    if (id !== this.artifact.jti || hash !== hashJsonText(this.artifact)) return 'it names another artifact';
    if (!actions.includes(request.action)) return `the artifact does not allow ${request.action}`;
    if (request.counterparty !== counterparty.id) return `it is for ${request.counterparty}, not ${counterparty.id}`;
    const presenters = request.action === 'void' ? [this.artifact.aud, this.artifact.sub] : [this.artifact.aud];
    if (!presenters.includes(request.iss)) return `${request.iss} may not present it`;
    if (!allPassed(payload['checks'])) return 'a check of the verification did not pass';
    if (payload['currency'] !== amount.currency && request.action !== 'void') return 'another currency';
    const said = payload['amount'];
    if (typeof said !== 'string' || !AMOUNT.test(said)) return 'its amount is none';
    const value = decimal(said);
    if (request.action === 'refund') {
      this.refunded = this.refunded.plus(value);
      return this.refunded.gt(this.captured) ? `${this.refunded.toFixed()} refunded of less captured` : null;
    }
    if (request.action === 'void') return null;
    const until = this.captures === 0 ? this.artifact.exp : capture.settle_by;
    if (!(timeMs < until * 1_000)) return 'captured too late';
    this.captured = this.captured.plus(value);
    this.captures += 1;
    if (this.captures > capture.max_captures) return `more than ${capture.max_captures} captures`;
    return this.captured.gt(amount.value) ? `${this.captured.toFixed()} captured of ${amount.value}` : null;
  }

  text(): string {
    const [{ amount }] = this.artifact.authorization_details;
    const sums = `captured ${this.captured.toFixed()} of ${amount.value} ${amount.currency}`;
    return this.refunded.isZero() ? sums : `${sums}, refunded ${this.refunded.toFixed()}`;
  }
}

/** The eight checks as the leaf reports them. */
function allPassed(checks: unknown): boolean {
  return (
    Array.isArray(checks) &&
    checks.length > 0 &&
    checks.every((each: unknown) => memberOf({ each }, 'each')['ok'] === true)
  );
}
