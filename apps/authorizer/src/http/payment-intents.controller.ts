import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { intentId, isUuid } from '@spendgate/codec';
import { type EdgeReply, type EdgeRequest, NOT_FOUND, headerOf, jsonAnswer, send } from '@spendgate/http-edge';
import { readAgentMandates, readDecisionsByIntent } from '@spendgate/store';
import { DOOR, type Door } from './door.js';

const JTI = /^[A-Za-z0-9._~:-]{1,128}$/;

@Controller('v1/payment-intents')
export class PaymentIntentsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** One signed intent, `application/jwt`. 202, or the decision with `Prefer: wait=N` (RFC 7240 §4.3). */
  @Post()
  async submit(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const { submit, waitSecondsMax } = this.door;
    const type = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/jwt' || !Buffer.isBuffer(request.body)) return send(reply, UNSUPPORTED);
    const answer = await submit.execute({
      body: request.body,
      idempotencyKey: headerOf(request, 'idempotency-key'),
      traceparent: headerOf(request, 'traceparent'),
      waitMs: waitSecondsOf(headerOf(request, 'prefer'), waitSecondsMax) * 1000,
    });
    return send(reply, answer);
  }

  /** The agent's own intent by its `jti`; `mandate` narrows it when the agent has many. */
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
    const [view] = await readDecisionsByIntent(pool, ids, 1);
    return send(reply, view === undefined ? NOT_FOUND : await answers.show(view));
  }
}

const UNSUPPORTED = {
  ...jsonAnswer(415, { type: 'about:blank', title: 'send one signed object as application/jwt', status: 415 }),
  headers: { 'content-type': 'application/problem+json' },
};

/** RFC 7240 §4.3: `wait=N` in seconds; anything else is no wait. */
export function waitSecondsOf(prefer: string | undefined, maxSeconds: number): number {
  const seconds = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(prefer ?? '')?.[1];
  return Math.min(Number(seconds ?? 0), maxSeconds);
}
