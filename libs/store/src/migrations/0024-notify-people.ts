import { ForwardOnly } from './forward-only.js';

/** Incidents that are overdue say so once, and people are told of what stopped, of what waits too long and of a late log. */
export class NotifyPeople1700000000024 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE incidents ADD COLUMN overdue_at timestamptz; -- when its being overdue became a leaf
CREATE INDEX incidents_due ON incidents (due_at) WHERE closed_at IS NULL AND overdue_at IS NULL;
CREATE INDEX incidents_by_opened ON incidents (opened_at, incident_id);

ALTER TABLE webhook_cursors DROP CONSTRAINT webhook_cursors_source_check,
  ADD CONSTRAINT webhook_cursors_source_check CHECK (source IN ('decisions', 'settlements', 'incidents'));
INSERT INTO webhook_cursors SELECT 'incidents', tree_size FROM log_state;

CREATE TABLE audit_alarms ( -- one for each head after which the log signed nothing for too long
  signed_size bigint PRIMARY KEY,
  raised_at timestamptz NOT NULL);`;
}
