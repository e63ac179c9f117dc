import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  type LaneAcquired,
  type RecordBatch,
  type RecordDefect,
  TOPICS,
  laneAcquired,
  recordDefect,
} from '@spendgate/messaging';
import { SettleRecords } from './settling/settle-records.js';

/** Thin: records in, one call, done. A throw makes the transport redeliver, so only a DependencyError may escape. */
@Controller()
export class SettlementRequestsHandler {
  constructor(@Inject(SettleRecords) private readonly settle: SettleRecords) {}

  @EventPattern(TOPICS.settlementRequests)
  onBatch(@Payload() batch: RecordBatch): Promise<void> {
    return this.settle.execute(batch);
  }

  @EventPattern(laneAcquired(TOPICS.settlementRequests))
  onLane(@Payload() { lane }: LaneAcquired): Promise<void> {
    return this.settle.takeOver(lane);
  }

  @EventPattern(recordDefect(TOPICS.settlementRequests))
  onDefect(@Payload() { record, lane, defect }: RecordDefect): Promise<void> {
    return this.settle.contain(record, lane, defect);
  }
}
