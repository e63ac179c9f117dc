import { Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { HALT_SCOPES } from '@spendgate/core';
import {
  type Answer,
  type EdgeReply,
  type EdgeRequest,
  jsonAnswer,
  PROBLEM_TYPE,
  problemOf,
  send,
} from '@spendgate/http-edge';
import {
  type OpsAnswer,
  type OpsRefusal,
  listHalts,
  listWaitingActs,
  readBlastRadius,
  takeOpsAct,
} from '@spendgate/store';
import { DOOR, type Door } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';

/** Rows of a list a person looks at. */
const SHOWN_MAX = 500;

const STATUS: Readonly<Record<Exclude<OpsRefusal['because'], 'unverified'>, number>> = {
  invalid: 400,
  forbidden: 403,
  absent: 404,
  conflict: 409,
  stale: 412,
  evidence_missing: 409,
};

/** What people do when something must stop or may go on: each act a signed `ops-action+jwt`, taken once. */
@Controller('v1')
export class OpsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  @Post('ops/acts')
  act(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.take(request, reply);
  }

  /** The same door for the one kind of act other systems send. */
  @Post('revocations')
  revoke(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.take(request, reply);
  }

  @Get('ops/acts')
  async waiting(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.asPerson(request, reply, async () => {
      const rows = await listWaitingActs(this.door.pool, SHOWN_MAX);
      return {
        acts: rows.map(({ id, person, action, token, contentHash, actedAtMs }) => ({
          act: id,
          asked_by: person,
          action,
          token,
          content_hash: contentHash,
          acted_at_ms: actedAtMs,
        })),
      };
    });
  }

  @Get('ops/halts')
  async halts(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.asPerson(request, reply, async () => ({
      halts: (await listHalts(this.door.pool, SHOWN_MAX)).map(({ setBy, setAtMs, ...halt }) => ({
        ...halt,
        set_by: setBy,
        set_at_ms: setAtMs,
      })),
    }));
  }

  /** What a halt would reach: asked before one is set. */
  @Get('ops/blast-radius')
  async radius(
    @Query('scope') scope: unknown,
    @Query('id') id: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const known = HALT_SCOPES.find((each) => each === scope);
    if (known === undefined || typeof id !== 'string') return send(reply, problemOf('malformed', { field: 'scope' }));
    return this.asPerson(request, reply, async () => ({ reaches: await readBlastRadius(this.door.pool, known, id) }));
  }

  private async take(request: EdgeRequest, reply: EdgeReply): Promise<void> {
    const submission = readSubmission(request, 0);
    if (submission === undefined) return send(reply, UNSUPPORTED);
    const version = readIfMatch(request);
    if (version === null) return send(reply, problemOf('malformed', { field: 'if-match' }));
    const said = { jti: submission.idempotencyKey, version };
    const answer = await takeOpsAct(this.door.pool, submission.body.toString('latin1'), said);
    return send(reply, answerOf(answer));
  }

  private async asPerson(
    request: EdgeRequest,
    reply: EdgeReply,
    read: () => Promise<Readonly<Record<string, unknown>>>,
  ): Promise<void> {
    const caller = await this.door.people.verify(request);
    return send(reply, caller.ok ? jsonAnswer(200, await read()) : caller.answer);
  }
}

/** The version of `If-Match` (RFC 9110 §13.1.1), one strong tag; `*` and no header ask nothing. `null`: another form. */
function readIfMatch(request: EdgeRequest): number | undefined | null {
  const header = request.headers['if-match'];
  if (header === undefined || header === '*') return undefined;
  const version = typeof header === 'string' ? /^"(\d{1,9})"$/.exec(header)?.[1] : undefined;
  return version === undefined ? null : Number(version);
}

/** An unverified caller learns the code only; a person is told what stands in the way. */
function answerOf(answer: OpsAnswer): Answer {
  if (answer.ok) {
    const { act, action, state, contentHash, changes, replayed } = answer;
    const body = { act, action, state, content_hash: contentHash, changes, replayed };
    return jsonAnswer(state === 'waiting' ? 202 : 200, body);
  }
  const { because, code, problem } = answer;
  if (because === 'unverified') return problemOf(code ?? 'signature_invalid');
  const status = STATUS[because];
  const body = { type: `urn:spendgate:ops:${because}`, title: problem, status };
  return { status, headers: { 'content-type': PROBLEM_TYPE }, body };
}
