import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { isUuid } from '@spendgate/codec';
import { DENIALS, isRetryable } from '@spendgate/core';
import { type EdgeReply, type EdgeRequest, NOT_FOUND, jsonAnswer, send } from '@spendgate/http-edge';
import { readDecision, readMandateLevels } from '@spendgate/store';
import { spelled } from './spelled.js';
import { DOOR, type Door } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';

/** Decisions, mandates and the denial table. An id of somebody else looks like one that does not exist. */
@Controller('v1')
export class DecisionsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  @Get('decisions/:id')
  async decision(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const view = isUuid(id) ? await readDecision(this.door.pool, id) : undefined;
    if (view === undefined) return send(reply, NOT_FOUND);
    const { kind, id: party } = read.caller;
    const mine = kind === 'agent' ? view.agentId === party : view.audience === party;
    return send(reply, mine ? await this.door.answers.show(view) : NOT_FOUND);
  }

  /** A person's signed answer to the intent that waits by this decision. 202, or what came of it with `Prefer: wait=N`. */
  @Post('decisions/:id/approval')
  async answer(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const submission = readSubmission(request, this.door.waitSecondsMax);
    if (submission === undefined) return send(reply, UNSUPPORTED);
    return send(reply, isUuid(id) ? await this.door.approve.execute(id, submission) : NOT_FOUND);
  }

  /** Limit and what is left of it, for the levels that are the caller's own. */
  @Get('mandates/:id')
  async mandate(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const { caller } = read;
    const all = caller.kind === 'agent' && isUuid(id) ? await readMandateLevels(this.door.pool, id) : [];
    const levels = all.filter((level) => level.agentId === caller.id);
    if (levels.length === 0) return send(reply, NOT_FOUND);
    const shown = levels.map((level) => ({
      mandate: level.mandateId,
      version: level.version,
      depth: level.depth,
      currency: level.currency,
      limit: spelled(level.limit, level.currency),
      available: spelled(level.available, level.currency),
      held: spelled(level.held, level.currency),
      capturing: spelled(level.capturing, level.currency),
      captured: spelled(level.captured, level.currency),
      refunded: spelled(level.refunded, level.currency),
      revoked: level.revoked,
      state: level.state,
    }));
    return send(reply, jsonAnswer(200, { mandate: id, levels: shown }));
  }

  /** Every code an agent may meet, in order of precedence. Public: it is the same for everybody. */
  @Get('denials')
  denials(@Res() reply: EdgeReply): void {
    const rows = DENIALS.filter((row) => row.admission !== null).map((row) => ({
      code: row.code,
      status: row.http,
      when: row.when,
      next: row.next,
      retryable: isRetryable(row.code),
    }));
    return send(reply, jsonAnswer(200, { denials: rows }, { 'cache-control': 'public, max-age=300' }));
  }
}
