import { ForwardOnly } from './forward-only.js';

/**
 * What windows, counterparties and categories have taken of a mandate's counted limits, and where each hold entered. A
 * place belongs to the newest bucket that took it, so a counter has one row, or 61 for a rolling window, whatever its
 * history. Written under the budget lock of the mandate's tree, as the budgets themselves.
 */
export class CreateCounters1700000000010 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE counters (
  mandate_id uuid,
  counter text,      -- window and subject: day/Europe/Paris, rolling/3600 category/5411
  slot smallint,
  starts_ms bigint NOT NULL, -- of the bucket in this place, Unix ms
  amount numeric(38,18) NOT NULL,
  count integer NOT NULL,
  PRIMARY KEY (mandate_id, counter, slot),
  CHECK (amount >= 0 AND count >= 0)) WITH (fillfactor = 50);
ALTER TABLE holds ADD COLUMN counters jsonb; -- [[depth, counter, slot, starts_ms], …]; null: it entered none`;
}
