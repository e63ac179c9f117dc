import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { type EdgeReply, type EdgeRequest, send, waited } from '@spendgate/http-edge';
import { DOOR, type Door } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';

@Controller('v1/observations')
export class ObservationsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** One signed attestation result, `application/jwt`. 202, or what became of it with `Prefer: wait=N`. */
  @Post()
  async submit(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const { observe, waitSecondsMax } = this.door;
    const submission = readSubmission(request, waitSecondsMax);
    if (submission === undefined) return send(reply, UNSUPPORTED);
    return send(reply, waited(await observe.execute(submission), submission.waitMs));
  }
}
