import type { OutboxPublisher } from '@spendgate/messaging';
import type { LaneLease } from '@spendgate/store';

/** How far each lane of this process is published. A lane met under a new epoch is first caught up with. */
export class LaneProgress {
  private readonly lanes = new Map<number, { epoch: bigint; through: bigint }>();

  constructor(private readonly publisher: OutboxPublisher) {}

  /** Publishes what the lane's last owner committed and may not have sent; once per epoch. */
  async takeOver(lease: LaneLease): Promise<void> {
    if (this.lanes.get(lease.laneId)?.epoch === lease.epoch) return;
    const through = await this.publisher.catchUp(lease);
    this.lanes.set(lease.laneId, { epoch: lease.epoch, through });
  }

  /** Outbox rows of the lane below this are published. */
  through(lease: LaneLease): bigint {
    return this.lanes.get(lease.laneId)?.through ?? 0n;
  }

  published(lease: LaneLease, through: bigint): void {
    this.lanes.set(lease.laneId, { epoch: lease.epoch, through });
  }
}
