import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { STATUS } from '@spendgate/artifact';
import { isUuid } from '@spendgate/codec';
import { type EdgeReply, type EdgeRequest, NOT_FOUND, jsonAnswer, problemOf, send } from '@spendgate/http-edge';
import { type HeldArtifact, type HeldCursor, listHeldArtifacts, readArtifacts } from '@spendgate/store';
import { spelled } from './spelled.js';
import { DOOR, type Door, type Reader } from './door.js';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;
const STATUS_NAMES = new Map<number, string>(Object.entries(STATUS).map(([name, value]) => [value, name]));

type ListQuery = Readonly<Record<string, string | string[] | undefined>>;

/** Artifacts of the agent they were issued to, and of the settlement service that may present them. */
@Controller('v1/artifacts')
export class ArtifactsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** What still holds money, soonest end first within each mandate tree; `settle_by_before` in Unix seconds. */
  @Get()
  async list(@Query() query: ListQuery, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const asked = readListQuery(query);
    if (typeof asked === 'string') return send(reply, problemOf('malformed', { field: asked }));
    const { limit, before, after } = asked;
    const scope = scopeOf(read.caller);
    const rows = await listHeldArtifacts(
      this.door.pool,
      scope,
      before === null ? null : before * 1000,
      after,
      limit + 1,
    );
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    const next = last === undefined ? null : encodeCursor(last.cursor);
    const own = before === null ? '' : `&settle_by_before=${before}`;
    const link =
      next === null ? {} : { link: `</v1/artifacts?state=held&limit=${limit}${own}&cursor=${next}>; rel="next"` };
    return send(
      reply,
      jsonAnswer(200, { artifacts: page.map(shown), has_more: next !== null, next_cursor: next }, link),
    );
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
      status: STATUS_NAMES.get(artifact.status) ?? 'revoked', // a value nobody knows is no valid artifact
      artifact: await this.door.answers.signArtifact(artifact),
    };
    return send(reply, jsonAnswer(200, body));
  }
}

function scopeOf({ kind, id }: Reader): { agent: string } | { audience: string } {
  return kind === 'agent' ? { agent: id } : { audience: id };
}

interface AskedPage {
  readonly limit: number;
  /** Unix seconds. */
  readonly before: number | null;
  readonly after: HeldCursor | null;
}

/** @returns the page, or the name of the parameter that is not in order */
function readListQuery(query: ListQuery): AskedPage | string {
  const unknown = Object.keys(query).find((name) => !['state', 'settle_by_before', 'cursor', 'limit'].includes(name));
  if (unknown !== undefined) return unknown.slice(0, 64);
  if (query['state'] !== undefined && query['state'] !== 'held') return 'state';
  const limit = wholeNumber(query['limit'] ?? String(PAGE_DEFAULT));
  if (limit === undefined || limit < 1 || limit > PAGE_MAX) return 'limit';
  const before = query['settle_by_before'] === undefined ? null : wholeNumber(query['settle_by_before']);
  if (before === undefined) return 'settle_by_before';
  const after = query['cursor'] === undefined ? null : decodeCursor(query['cursor']);
  return after === undefined ? 'cursor' : { limit, before, after };
}

function wholeNumber(value: string | string[]): number | undefined {
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

function encodeCursor({ rootId, endsAtMs, holdId }: HeldCursor): string {
  return Buffer.from(`${rootId}/${endsAtMs}/${holdId}`).toString('base64url');
}

function decodeCursor(value: string | string[]): HeldCursor | undefined {
  if (typeof value !== 'string' || value.length > 256) return undefined;
  const [rootId = '', endsAt = '', holdId = '', more] = Buffer.from(value, 'base64url').toString().split('/');
  if (!isUuid(rootId) || !isUuid(holdId) || !/^\d{1,15}$/.test(endsAt) || more !== undefined) return undefined;
  return { rootId, endsAtMs: Number(endsAt), holdId };
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
