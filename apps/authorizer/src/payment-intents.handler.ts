import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  type LaneAcquired,
  laneAcquired,
  type RecordBatch,
  type RecordDefect,
  recordDefect,
  TOPICS,
} from '@spendgate/messaging';
import { AuthorizeBatch } from './authorize-batch.js';

/** Thin: records in, one call, done. A throw makes the transport deliver again, so only a DependencyError may escape. */
@Controller()
export class PaymentIntentsHandler {
  constructor(@Inject(AuthorizeBatch) private readonly authorize: AuthorizeBatch) {}

  /** Runs also when no record comes: what the last owner committed and did not send must not wait for one. */
  @EventPattern(laneAcquired(TOPICS.paymentIntents))
  onLane(@Payload() { lane }: LaneAcquired): Promise<void> {
    return this.authorize.takeOver(lane);
  }

  @EventPattern(recordDefect(TOPICS.paymentIntents))
  onDefect(@Payload() defect: RecordDefect): Promise<void> {
    return this.authorize.endDefect(defect);
  }

  @EventPattern(TOPICS.paymentIntents)
  onBatch(@Payload() batch: RecordBatch): Promise<void> {
    return this.authorize.execute(batch);
  }
}
