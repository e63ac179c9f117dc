import type { SettlementView } from '@spendgate/store';
import type { GateEdge } from './gate-edge.js';

/** A settlement as those entitled to it see it, with its receipt. */
export async function renderSettlement(
  edge: Pick<GateEdge, 'receipt'>,
  view: SettlementView,
): Promise<Readonly<Record<string, unknown>>> {
  const { amount, currency } = view;
  return {
    settlement_id: view.settlementId,
    attempt: view.attempt,
    artifact_id: view.artifactId,
    action: view.action,
    action_id: view.actionId,
    presenter: view.presenter,
    outcome: view.outcome,
    code: view.code,
    field: view.field,
    amount: amount === null || currency === null ? null : { value: amountOf(view.claims), currency },
    state: view.state,
    refund_of: view.refundOf,
    outcome_due: view.outcomeDueAtMs === null ? null : Math.ceil(view.outcomeDueAtMs / 1_000),
    judged_at_ms: view.judgedAtMs,
    receipt: await edge.receipt(view.claims),
  };
}

/** As the receipt spells it: with exactly the currency's digits. */
function amountOf(claims: string): string | null {
  const { amount } = JSON.parse(claims) as { amount: { value: string } | null }; // the gate wrote these claims
  return amount?.value ?? null;
}
