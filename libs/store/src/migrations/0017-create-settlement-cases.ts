import { ForwardOnly } from './forward-only.js';

/** What of settled money a person must look at, and the indexes that find a service's share of refunds. */
export class CreateSettlementCases1700000000017 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE settlement_cases (
  case_id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('chargeback', 'contradiction', 'refund_share')),
  settlement_id uuid,   -- of a chargeback or contradiction
  service text,         -- of a refund share: whose, on which day (UTC)
  day date,
  amount numeric(38,18) NOT NULL,
  currency text NOT NULL,
  opened_at timestamptz NOT NULL,
  leaf_hash bytea NOT NULL,
  closed_by text,
  closed_at timestamptz,
  closing_reason text,
  closing_leaf bytea,
  CHECK ((kind = 'refund_share') = (settlement_id IS NULL)),
  CHECK ((kind = 'refund_share') = (service IS NOT NULL AND day IS NOT NULL)),
  CHECK ((closed_at IS NULL) = (closed_by IS NULL AND closing_reason IS NULL AND closing_leaf IS NULL)));
CREATE UNIQUE INDEX settlement_cases_once ON settlement_cases (service, day, currency) WHERE kind = 'refund_share';
CREATE INDEX settlement_cases_open ON settlement_cases (opened_at) WHERE closed_at IS NULL;

-- Refunds are rare, and a day's captures are summed for services that gave many of them only.
CREATE INDEX settlements_refunds ON settlements (judged_at) WHERE action = 'refund' AND outcome = 'authorized';
CREATE INDEX settlements_captures ON settlements (presenter, judged_at)
  WHERE action = 'capture' AND outcome = 'authorized';`;
}
