import { ForwardOnly } from './forward-only.js';

/** Whether the history in this database was compared with what the witnesses remember, since a process became the log. */
export class ConfirmLog1700000000018 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE log_state
  ADD COLUMN witness_quorum integer NOT NULL DEFAULT 0, -- as the last log process was configured; 0: no witnesses
  ADD COLUMN witnessed_epoch bigint; -- the epoch of the log whose last checkpoint the quorum cosigned`;
}
