import { ForwardOnly } from './forward-only.js';

/** From a capture to its refunds, and from an artifact to the one that took its place: both rare, so both cheap. */
export class IndexLineage1700000000016 extends ForwardOnly {
  protected readonly sql = `
CREATE INDEX settlements_by_capture ON settlements (refund_of) WHERE refund_of IS NOT NULL;
CREATE INDEX renewals_by_artifact ON renewals (artifact_id);`;
}
