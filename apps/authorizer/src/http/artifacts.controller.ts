import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { STATUS } from '@spendgate/artifact';
import { isUuid } from '@spendgate/codec';
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
  wholeNumber,
} from '@spendgate/http-edge';
import { type HeldArtifact, type HeldCursor, listHeldArtifacts, readArtifacts } from '@spendgate/store';
import { UNSUPPORTED, readSubmission } from './read-submission.js';
import { spelled } from './spelled.js';
import { DOOR, type Door, type Reader } from './door.js';

const LIMITS = { usual: 100, max: 1_000 };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Mandate tree, end in milliseconds, hold. */
const CURSOR = [UUID, /^\d{1,15}$/, UUID];
const STATUS_NAMES = new Map<number, string>(Object.entries(STATUS).map(([name, value]) => [value, name]));

/** Artifacts of the agent they were issued to, and of the settlement service that may present them. */
@Controller('v1/artifacts')
export class ArtifactsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** What still holds money, soonest end first within each mandate tree; `settle_by_before` in Unix seconds. */
  @Get()
  async list(@Query() query: ListQuery, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const asked = readPage(query, ['state', 'settle_by_before'], CURSOR, LIMITS);
    if (typeof asked === 'string') return send(reply, problemOf('malformed', { field: asked }));
    const { state = 'held', settle_by_before: text } = query;
    if (state !== 'held') return send(reply, problemOf('malformed', { field: 'state' }));
    const before = text === undefined ? null : wholeNumber(text);
    if (before === undefined) return send(reply, problemOf('malformed', { field: 'settle_by_before' }));
    const { limit, cursor } = asked;
    const [rootId = '', endsAt, holdId = ''] = cursor ?? [];
    const after: HeldCursor | null = cursor === null ? null : { rootId, endsAtMs: Number(endsAt), holdId };
    const scope = scopeOf(read.caller);
    const beforeMs = before === null ? null : before * 1000;
    const rows = await listHeldArtifacts(this.door.pool, scope, beforeMs, after, limit + 1);
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1)?.cursor : undefined;
    const link = { path: '/v1/artifacts', query: { state, settle_by_before: before, limit } };
    const next = last === undefined ? null : [last.rootId, last.endsAtMs, last.holdId];
    return send(reply, pageAnswer(link, { artifacts: page.map(shown) }, next));
  }

  @Get(':id')
  async show(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const [artifact] = isUuid(id) ? await readArtifacts(this.door.pool, [id]) : [];
    if (artifact === undefined) return send(reply, NOT_FOUND);
    const { kind, id: party } = read.caller;
    const mine = (kind === 'agent' ? artifact.agentId : artifact.audience) === party;
    if (!mine) return send(reply, NOT_FOUND);
    const body = {
      artifact_id: artifact.artifactId,
      decision_id: artifact.decisionId,
      flow_id: artifact.flowId,
      hold_id: artifact.holdId,
      status: STATUS_NAMES.get(artifact.status) ?? 'revoked', // a value nobody knows is no valid artifact
      artifact: await this.door.answers.signArtifact(artifact),
    };
    return send(reply, jsonAnswer(200, body));
  }

  /** One `artifact-renewal+jwt` of this artifact, `application/jwt`: 201 with the artifact that takes its place. */
  @Post(':id/renew')
  async renew(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const { renew, waitSecondsMax } = this.door;
    const submission = readSubmission(request, waitSecondsMax);
    if (submission === undefined) return send(reply, UNSUPPORTED);
    return send(reply, waited(await renew.execute(id, submission), submission.waitMs));
  }
}

function scopeOf({ kind, id }: Reader): { agent: string } | { audience: string } {
  return kind === 'agent' ? { agent: id } : { audience: id };
}

function shown(row: HeldArtifact): Record<string, unknown> {
  return {
    artifact_id: row.artifactId,
    flow_id: row.flowId,
    counterparty: row.counterpartyId,
    audience: row.audience,
    currency: row.currency,
    held: spelled(row.held, row.currency),
    capturing: spelled(row.capturing, row.currency),
    captured: spelled(row.captured, row.currency),
    settle_by: Math.floor(row.settleByMs / 1000),
  };
}
