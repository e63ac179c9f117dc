import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { type EdgeReply, type EdgeRequest, send } from '@spendgate/http-edge';
import { DOOR, type Door } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';

/** Parties that go over to a new key by themselves. */
@Controller('v1/key-transitions')
export class KeyTransitionsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** One `key-transition+jwt`, `application/jwt`. 201 when it is in force; 200 for the same one again. */
  @Post()
  async submit(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const submission = readSubmission(request, 0);
    return send(reply, submission === undefined ? UNSUPPORTED : await this.door.rotate.execute(submission));
  }
}
