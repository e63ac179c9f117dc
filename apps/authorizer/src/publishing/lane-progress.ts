import type { OutboxPublisher } from '@spendgate/messaging';
import type { LaneLease } from '@spendgate/store';

interface Progress {
  readonly lease: LaneLease;
  /** `undefined`: what is published is not known; `takeOver` finds out. */
  readonly through: bigint | undefined;
}

/** How far each lane of this process is published. A lane met under a new epoch is first caught up with. */
export class LaneProgress {
  private readonly lanes = new Map<number, Progress>();

  constructor(private readonly publisher: OutboxPublisher) {}

  /** Lanes this process had last; whether it has them still, only their fence says. */
  leases(): LaneLease[] {
    return [...this.lanes.values()].map(({ lease }) => lease);
  }

  /** Publishes what the lane's last owner committed and may not have sent; once per epoch, and after `doubt`. */
  async takeOver(lease: LaneLease): Promise<void> {
    const known = this.lanes.get(lease.laneId);
    if (known?.lease.epoch === lease.epoch && known.through !== undefined) return;
    const through = await this.publisher.catchUp(lease);
    this.lanes.set(lease.laneId, { lease, through });
  }

  /** Outbox rows of the lane below this are published. */
  through(lease: LaneLease): bigint {
    return this.lanes.get(lease.laneId)?.through ?? 0n;
  }

  published(lease: LaneLease, through: bigint): void {
    this.lanes.set(lease.laneId, { lease, through });
  }

  /** Something committed may not have been sent: it is read back from the outbox before anything later is. */
  doubt(lease: LaneLease): void {
    if (this.isKnown(lease)) this.lanes.set(lease.laneId, { lease, through: undefined });
  }

  /** Another owner has the lane. */
  lost(lease: LaneLease): void {
    if (this.isKnown(lease)) this.lanes.delete(lease.laneId);
  }

  private isKnown(lease: LaneLease): boolean {
    return this.lanes.get(lease.laneId)?.lease.epoch === lease.epoch;
  }
}
