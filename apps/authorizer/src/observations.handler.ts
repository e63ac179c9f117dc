import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type RecordBatch, TOPICS } from '@spendgate/messaging';
import { RecordObservations } from './record-observations.js';

@Controller()
export class ObservationsHandler {
  constructor(@Inject(RecordObservations) private readonly record: RecordObservations) {}

  @EventPattern(TOPICS.observations)
  onBatch(@Payload() batch: RecordBatch): Promise<void> {
    return this.record.execute(batch);
  }
}
