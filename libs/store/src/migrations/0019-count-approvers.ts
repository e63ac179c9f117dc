import { ForwardOnly } from './forward-only.js';

/** An intent may wait for a second person: who approved it so far, and how many it takes. */
export class CountApprovers1700000000019 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE parked_intents
  ADD COLUMN approvals text[] NOT NULL DEFAULT '{}', -- ops-action+jwt, verified again when the next one comes
  ADD COLUMN approvals_needed smallint NOT NULL DEFAULT 1; -- by the mandates as of the decision by which it waits`;
}
