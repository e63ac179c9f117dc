import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { BUNDLE_LEAVES_MAX, BUNDLE_SETTLEMENTS_MAX, canonicalize, isUuid } from '@spendgate/codec';
import {
  type Answer,
  type EdgeReply,
  type EdgeRequest,
  NOT_FOUND,
  PROBLEM_TYPE,
  problemOf,
  send,
} from '@spendgate/http-edge';
import { parseCount } from '../http/answers.js';
import { BUNDLES, type Bundles } from './bundles.js';

/** Seconds after which what was just decided is under a signed checkpoint, as a rule. */
const RETRY_AFTER_SECONDS = '1';

/** Everything that proves one artifact, as one file (E4). Not public: it shows what was asked and granted. */
@Controller('v1/bundles')
export class BundlesController {
  constructor(@Inject(BUNDLES) private readonly bundles: Bundles) {}

  /** @param fromText size of a remembered checkpoint: the bundle proves that the log continued it */
  @Get('artifacts/:id')
  async artifact(
    @Param('id') id: string,
    @Query('from') fromText: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const read = await this.bundles.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const from = fromText === undefined ? null : parseCount(fromText);
    if (from === undefined) return send(reply, problem(400, 'Bad Request', 'from: a whole number'));
    if (!isUuid(id)) return send(reply, NOT_FOUND);
    const made = await (this.bundles.turnstile.run(() => this.bundles.make.execute(id, read.caller, from)) ?? 'busy');
    if (typeof made === 'string') return send(reply, ANSWERS[made]);
    // The canonical text itself: its bytes are what a verifier compares.
    reply
      .code(200)
      .headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
      .send(canonicalize(made));
  }
}

const LIMITS = `a bundle holds ${BUNDLE_LEAVES_MAX} leaves and ${BUNDLE_SETTLEMENTS_MAX} settlements at most`;
const ANSWERS: Readonly<Record<'busy' | 'unknown' | 'not_integrated' | 'beyond_log' | 'too_large', Answer>> = {
  busy: problemOf('rate_limited', { retryAfterMs: 1_000 }),
  unknown: NOT_FOUND,
  not_integrated: problem(503, 'Service Unavailable', 'the log has not signed all of it yet: ask again', {
    'retry-after': RETRY_AFTER_SECONDS,
  }),
  beyond_log: problem(404, 'Not Found', 'from: the log has signed no tree of that size yet'),
  too_large: problem(422, 'Unprocessable Content', `${LIMITS}: read leaves and proofs at /v1/log instead`),
};

function problem(status: number, title: string, detail: string, headers: Record<string, string> = {}): Answer {
  const all = { 'content-type': PROBLEM_TYPE, ...headers };
  return { status, headers: all, body: { type: 'about:blank', title, status, detail } };
}
