import { ForwardOnly } from './forward-only.js';

/** What the witnesses told the log, for the people who may accept their silence. */
export class KeepWitnessAnswers1700000000025 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE log_state
  ADD COLUMN witness_answers jsonb; -- {epoch, silent, objecting}: since the log process of that epoch asked; null: none has`;
}
