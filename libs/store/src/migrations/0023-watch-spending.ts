import { ForwardOnly } from './forward-only.js';

/** What flows have shown of their spending, and whether it may halt them. */
export class WatchSpending1700000000023 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE flows
  ADD COLUMN profile_hash text, -- of the spending profile in the baseline; NULL: it holds none
  ADD COLUMN drift text; -- evidence so far, ranked against that profile; lost or damaged, it denies
ALTER TABLE domain
  ADD COLUMN drift_mode text NOT NULL DEFAULT 'shadow' CHECK (drift_mode IN ('shadow', 'enforce')),
  ADD COLUMN drift_events_per_day integer NOT NULL DEFAULT 0 CHECK (drift_events_per_day BETWEEN 0 AND 10000000)`;
}
