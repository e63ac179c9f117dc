import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type LaneAcquired, type RecordBatch, TOPICS, laneAcquired } from '@spendgate/messaging';
import { RecordObservations } from './record-observations.js';

@Controller()
export class ObservationsHandler {
  constructor(@Inject(RecordObservations) private readonly record: RecordObservations) {}

  @EventPattern(laneAcquired(TOPICS.observations))
  onLane(@Payload() { lane }: LaneAcquired): Promise<void> {
    return this.record.takeOver(lane);
  }

  @EventPattern(TOPICS.observations)
  onBatch(@Payload() batch: RecordBatch): Promise<void> {
    return this.record.execute(batch);
  }
}
