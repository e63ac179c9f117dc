import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { isUuid } from '@spendgate/codec';
import { DENIALS, isRetryable } from '@spendgate/core';
import {
  type EdgeReply,
  type EdgeRequest,
  NOT_FOUND,
  type Query as ListQuery,
  jsonAnswer,
  pageAnswer,
  problemOf,
  readPage,
  send,
  waited,
} from '@spendgate/http-edge';
import { type DecisionListing, readDecision, readDecisionsPage } from '@spendgate/store';
import { spelled } from './spelled.js';
import { DOOR, type Door } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';

const LIST_LIMITS = { usual: 100, max: 1_000 };
const OUTCOMES = new Set(['authorized', 'parked', 'denied']);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Decisions and the denial table. An id of somebody else looks like one that does not exist. */
@Controller('v1')
export class DecisionsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** Newest first. A page looks at a bounded stretch of time, so it may show fewer than `limit`, or none, and go on. */
  @Get('decisions')
  async list(@Query() query: ListQuery, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const asked = readPage(query, ['mandate', 'outcome'], [UUID, UUID], LIST_LIMITS);
    if (typeof asked === 'string') return send(reply, problemOf('malformed', { field: asked }));
    const { mandate = null, outcome = null } = query;
    if (mandate !== null && (typeof mandate !== 'string' || !isUuid(mandate))) {
      return send(reply, problemOf('malformed', { field: 'mandate' }));
    }
    if (outcome !== null && (typeof outcome !== 'string' || !OUTCOMES.has(outcome))) {
      return send(reply, problemOf('malformed', { field: 'outcome' }));
    }
    const [decisionId, flowId] = asked.cursor ?? [];
    const before = decisionId === undefined || flowId === undefined ? null : { decisionId, flowId };
    const { limit } = asked;
    const page = await readDecisionsPage(this.door.pool, read.caller, { mandate, outcome, before, limit });
    const link = { path: '/v1/decisions', query: { mandate, outcome, limit } };
    const next = page.next === null ? null : [page.next.decisionId, page.next.flowId];
    return send(reply, pageAnswer(link, { decisions: page.decisions.map(listed) }, next));
  }

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
    if (!isUuid(id)) return send(reply, NOT_FOUND);
    return send(reply, waited(await this.door.approve.execute(id, submission), submission.waitMs));
  }

  /** Every code of both doors, in order of precedence. Public: it is the same for everybody. */
  @Get('denials')
  denials(@Res() reply: EdgeReply): void {
    const rows = DENIALS.map((row) => ({
      code: row.code,
      status: row.http,
      admission: row.admission,
      settlement: row.settlement,
      when: row.when,
      next: row.next,
      retryable: isRetryable(row.code),
    }));
    return send(reply, jsonAnswer(200, { denials: rows }, { 'cache-control': 'public, max-age=300' }));
  }
}

function listed(line: DecisionListing): Readonly<Record<string, unknown>> {
  const { amount, currency } = line;
  return {
    decision_id: line.decisionId,
    intent_id: line.intentId,
    mandate: line.flowId,
    agent: line.agentId,
    outcome: line.outcome,
    code: line.code,
    amount: amount === null || currency === null ? null : { value: spelled(amount, currency), currency },
    counterparty: line.counterpartyId,
    artifact_id: line.artifactId,
    decided_at_ms: line.judgedAtMs,
  };
}
