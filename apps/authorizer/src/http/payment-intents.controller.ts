import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { intentId, isUuid } from '@spendgate/codec';
import { type EdgeReply, type EdgeRequest, NOT_FOUND, problemOf, send, waited } from '@spendgate/http-edge';
import { readAgentMandates, readDecisionsByIntent } from '@spendgate/store';
import { DOOR, type Door } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';

const JTI = /^[A-Za-z0-9._~:-]{1,128}$/;

@Controller('v1/payment-intents')
export class PaymentIntentsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** One signed intent, `application/jwt`. 202, or the decision with `Prefer: wait=N` (RFC 7240 §4.3). */
  @Post()
  async submit(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const { submit, waitSecondsMax } = this.door;
    const submission = readSubmission(request, waitSecondsMax);
    if (submission === undefined) return send(reply, UNSUPPORTED);
    return send(reply, waited(await submit.execute(submission), submission.waitMs));
  }

  /** The agent's own intent by its `jti`; `mandate` says which, when the same `jti` was used under several. */
  @Get(':jti')
  async show(
    @Param('jti') jti: string,
    @Query('mandate') mandate: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { reads, pool, issuer, answers } = this.door;
    const read = await reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const { caller } = read;
    if (caller.kind !== 'agent' || !JTI.test(jti)) return send(reply, NOT_FOUND);
    const named = typeof mandate === 'string' && isUuid(mandate) ? [mandate] : undefined;
    const mandates = named ?? (await readAgentMandates(pool, caller.id));
    const ids = mandates.map((id) => intentId({ issuer, agent: caller.id, mandate: id, jti }));
    const [view, another] = await readDecisionsByIntent(pool, ids);
    if (another !== undefined) return send(reply, problemOf('malformed', { field: 'mandate' }));
    return send(reply, view === undefined ? NOT_FOUND : await answers.show(view));
  }
}
