import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import {
  type EdgeReply,
  type EdgeRequest,
  NOT_FOUND,
  type Query as ListQuery,
  type SignedReads,
  pageAnswer,
  problemOf,
  readPage,
  send,
} from '@spendgate/http-edge';
import type { Turnstile } from '@spendgate/platform';
import { type Pool, readLineage } from '@spendgate/store';
import { lineageBody } from './lineage-body.js';

export const LINEAGES = Symbol('lineages');

/** What the controller works with. People only: a lineage shows who else may spend from the same budget. */
export interface Lineages {
  readonly pool: Pool;
  readonly reads: SignedReads<'person'>;
  readonly turnstile: Turnstile;
}

const LIMITS = { usual: 50, max: 200 };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Ids of parties, policies and keys are visible ASCII; anything else, or longer, names nothing. */
const ID = /^[!-~]{1,256}$/;

@Controller('v1/lineage')
export class LineageController {
  constructor(@Inject(LINEAGES) private readonly lineages: Lineages) {}

  /** From any id to its root, or to what came of it, a page at a time. */
  @Get(':id')
  async read(
    @Param('id') id: string,
    @Query() query: ListQuery,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const { pool, reads, turnstile } = this.lineages;
    const read = await reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const asked = readPage(query, ['direction'], [UUID, UUID], LIMITS);
    if (typeof asked === 'string') return send(reply, problemOf('malformed', { field: asked }));
    const { direction = 'up' } = query;
    if (direction !== 'up' && direction !== 'down') return send(reply, problemOf('malformed', { field: 'direction' }));
    if (!ID.test(id)) return send(reply, NOT_FOUND);
    const [decisionId, flowId] = asked.cursor ?? [];
    const before = decisionId === undefined || flowId === undefined ? null : { decisionId, flowId };
    const { limit } = asked;
    const found = await (turnstile.run(() => readLineage(pool, id, { direction, before, limit })) ?? 'busy');
    if (found === 'busy') return send(reply, problemOf('rate_limited', { retryAfterMs: 1_000 }));
    if (found === undefined) return send(reply, NOT_FOUND);
    const next = found.next === null ? null : [found.next.decisionId, found.next.flowId];
    const link = { path: `/v1/lineage/${encodeURIComponent(id)}`, query: { direction, limit } };
    return send(reply, pageAnswer(link, lineageBody(found, direction), next));
  }
}
