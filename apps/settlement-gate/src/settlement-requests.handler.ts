import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type RecordBatch, TOPICS } from '@spendgate/messaging';
import { SettleRecords } from './settling/settle-records.js';

/** Thin: records in, one call, done. A throw makes the transport redeliver, so only a DependencyError may escape. */
@Controller()
export class SettlementRequestsHandler {
  constructor(private readonly settle: SettleRecords) {}

  @EventPattern(TOPICS.settlementRequests)
  onBatch(@Payload() batch: RecordBatch): Promise<void> {
    return this.settle.execute(batch);
  }
}
