import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { isUuid } from '@spendgate/codec';
import {
  type EdgeReply,
  type EdgeRequest,
  NOT_FOUND,
  type Query as ListQuery,
  pageAnswer,
  problemOf,
  readPage,
  send,
} from '@spendgate/http-edge';
import { sendProblem } from '../http/answers.js';
import { LINEAGES, type Lineages } from '../lineage/lineage.controller.js';
import { readTimeline } from './flow-timeline.js';
import { AlteredLog } from './log-fold.js';

const LIMITS = { usual: 100, max: 500 };
const COUNT = /^\d{1,15}$/;

/** The steps of a flow. For people, as its trust and its lineage are. */
@Controller('v1/flows')
export class TimelineController {
  constructor(@Inject(LINEAGES) private readonly lineages: Lineages) {}

  /** Each step with its evidence, a page at a time, and the six phases of continuous trust (C23–C28). */
  @Get(':id/timeline')
  async read(
    @Param('id') id: string,
    @Query() query: ListQuery,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { pool, reads, turnstile } = this.lineages;
    const read = await reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const asked = readPage(query, [], [COUNT, COUNT], LIMITS);
    if (typeof asked === 'string') return send(reply, problemOf('malformed', { field: asked }));
    if (!isUuid(id)) return send(reply, NOT_FOUND);
    const [size, part] = (asked.cursor ?? []).map(Number);
    const after = size === undefined || part === undefined ? null : { size, part };
    try {
      const found = await (turnstile.run(() => readTimeline(pool, id, after, asked.limit)) ?? 'busy');
      if (found === 'busy') return send(reply, problemOf('rate_limited', { retryAfterMs: 1_000 }));
      if (found === undefined) return send(reply, NOT_FOUND);
      const { next, ...body } = found;
      const link = { path: `/v1/flows/${id}/timeline`, query: { limit: asked.limit } };
      return send(reply, pageAnswer(link, { flow: id, ...body }, next === null ? null : [next.size, next.part]));
    } catch (error) {
      if (!(error instanceof AlteredLog)) throw error;
      return sendProblem(reply, 503, `the stored log is not the signed one: ${error.message}`);
    }
  }
}
