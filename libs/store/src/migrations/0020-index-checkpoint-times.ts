import { ForwardOnly } from './forward-only.js';

/** A bundle of a time range begins and ends with the checkpoints signed around it. */
export class IndexCheckpointTimes1700000000020 extends ForwardOnly {
  protected readonly sql = 'CREATE INDEX checkpoints_by_time ON checkpoints (signed_at);';
}
