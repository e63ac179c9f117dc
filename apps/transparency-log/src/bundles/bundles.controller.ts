import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import {
  type AnyBundle,
  BUNDLE_LEAVES_MAX,
  BUNDLE_RANGE_LEAVES_MAX,
  BUNDLE_SETTLEMENTS_MAX,
  canonicalize,
  isUuid,
} from '@spendgate/codec';
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
import { timeOf } from '../http/time-of.js';
import { BUNDLES, type Bundles } from './bundles.js';
import type { NoBundle } from './make-bundle.js';
import type { RangeTooLarge } from './make-range-bundle.js';
import type { Reader } from './reader.js';

/** Seconds after which what was just decided is under a signed checkpoint, as a rule. */
const RETRY_AFTER_SECONDS = '1';

type Made = AnyBundle | RangeTooLarge | NoBundle | 'no_signal' | 'no_range' | 'empty' | 'people_only';
type Make = (caller: Reader, from: number | null) => Promise<Made>;

/** Everything that proves one thing, as one file (E4). Not public: it shows what was asked and granted. */
@Controller('v1/bundles')
export class BundlesController {
  constructor(@Inject(BUNDLES) private readonly bundles: Bundles) {}

  /** @param from size of a remembered checkpoint: the bundle proves that the log continued it */
  @Get('artifacts/:id')
  artifact(
    @Param('id') id: string,
    @Query('from') from: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { make } = this.bundles;
    return this.answer(request, reply, from, (caller, size) => named(id, () => make.artifact(id, caller, size)));
  }

  /** One settlement with the artifact it drew on. */
  @Get('settlements/:id')
  settlement(
    @Param('id') id: string,
    @Query('from') from: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { make } = this.bundles;
    return this.answer(request, reply, from, (caller, size) => named(id, () => make.settlement(id, caller, size)));
  }

  /** One incident, from the drift to the end. For people: it shows who acted, and why. */
  @Get('incidents/:id')
  incident(
    @Param('id') id: string,
    @Query('from') from: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { incidents } = this.bundles;
    return this.answer(request, reply, from, ({ kind }, size) =>
      kind === 'person' ? named(id, () => incidents.execute(id, size)) : Promise.resolve('people_only'),
    );
  }

  /** Every leaf between two times. For people: it shows everybody's business. */
  @Get('ranges')
  async range(
    @Query() { from, to, remembered }: Readonly<Record<string, unknown>>,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { ranges, clock } = this.bundles;
    const [fromMs, toMs] = [timeOf(from), timeOf(to)];
    const isRange = fromMs < toMs && toMs <= clock.nowMs();
    await this.answer(request, reply, remembered, ({ kind }, size) => {
      if (kind !== 'person') return Promise.resolve('people_only');
      return isRange ? ranges.execute({ fromMs, toMs }, size) : Promise.resolve('no_range');
    });
  }

  private async answer(request: EdgeRequest, reply: EdgeReply, fromText: unknown, make: Make): Promise<void> {
    const read = await this.bundles.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const from = fromText === undefined ? null : parseCount(fromText);
    if (from === undefined) return send(reply, problem(400, 'Bad Request', 'from: a whole number'));
    const made = await (this.bundles.turnstile.run(() => make(read.caller, from)) ?? 'busy');
    if (typeof made === 'string') return send(reply, ANSWERS[made]);
    if ('leaves' in made) return send(reply, tooLarge(made));
    // The canonical text itself: its bytes are what a verifier compares.
    reply
      .code(200)
      .headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
      .send(canonicalize(made));
  }
}

function named(id: string, make: () => Promise<Made>): Promise<Made> {
  return isUuid(id) ? make() : Promise.resolve('unknown');
}

const LIMITS = `a bundle holds ${BUNDLE_LEAVES_MAX} leaves and ${BUNDLE_SETTLEMENTS_MAX} settlements at most`;
const ANSWERS: Readonly<Record<Extract<Made, string> | 'busy', Answer>> = {
  busy: problemOf('rate_limited', { retryAfterMs: 1_000 }),
  unknown: NOT_FOUND,
  people_only: NOT_FOUND,
  not_integrated: problem(503, 'Service Unavailable', 'the log has not signed all of it yet: ask again', {
    'retry-after': RETRY_AFTER_SECONDS,
  }),
  beyond_log: problem(404, 'Not Found', 'from: the log has signed no tree of that size yet'),
  too_large: problem(422, 'Unprocessable Content', `${LIMITS}: read leaves and proofs at /v1/log instead`),
  no_signal: problem(
    422,
    'Unprocessable Content',
    'no drift opened it: its flow was revoked by people, in normal running',
  ),
  no_range: problem(400, 'Bad Request', 'from and to: two times in RFC 3339, UTC, in this order, not in the future'),
  empty: problem(404, 'Not Found', 'the log took no leaf in that time'),
};

/** Says where a range that fits would end, so that the next one can begin there. */
function tooLarge({ leaves, toMs }: RangeTooLarge): Answer {
  const most = `${leaves} leaves lie in that time, and a bundle holds ${BUNDLE_RANGE_LEAVES_MAX}`;
  const next =
    toMs === null ? 'ask for a shorter time' : `ask up to ${new Date(toMs).toISOString()}, then from there on`;
  return problem(422, 'Unprocessable Content', `${most}: ${next}`);
}

function problem(status: number, title: string, detail: string, headers: Record<string, string> = {}): Answer {
  const all = { 'content-type': PROBLEM_TYPE, ...headers };
  return { status, headers: all, body: { type: 'about:blank', title, status, detail } };
}
