import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { isUuid, settlementId } from '@spendgate/codec';
import {
  type Answer,
  type EdgeReply,
  type EdgeRequest,
  NOT_FOUND,
  type Query as ListQuery,
  jsonAnswer,
  pageAnswer,
  problemOf,
  readPage,
  send,
} from '@spendgate/http-edge';
import { type SettlementView, listSettlements, readArtifacts, readSettlement } from '@spendgate/store';
import type { GateItem } from '../settling/gate-item.js';
import { renderSettlement } from './render-settlement.js';
import { GATE_EDGE, type GateEdge, type Reader } from './gate-edge.js';

/** Settlements of one answer. */
const PAGE = 100;
/** Settlement and attempt. */
const CURSOR = [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, /^(0|[1-9]\d{0,3})$/];

@Controller('v1/settlements')
export class SettlementsController {
  constructor(@Inject(GATE_EDGE) private readonly edge: GateEdge) {}

  /** A capture or void as `settlement-request+jwt`. 201, or the denial; idempotent by the id in the token. */
  @Post()
  async settle(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    send(reply, await this.edge.present(request, { kind: 'request' }));
  }

  /** A refund of the capture `id`. */
  @Post(':id/refund')
  async refund(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const ofCapture = (item: GateItem): boolean =>
      item.kind === 'request' && settlementId(item.claims.artifact.id, 'capture', item.claims.capture_id ?? '') === id;
    send(reply, await this.edge.present(request, { kind: 'request', action: 'refund', isAbout: ofCapture }));
  }

  /** What became of the money of the capture or refund `id`, as `settlement-outcome+jwt`. */
  @Post(':id/outcome')
  async outcome(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const ofSettlement = (item: GateItem): boolean => item.settlementId === id;
    send(reply, await this.edge.present(request, { kind: 'outcome', isAbout: ofSettlement }));
  }

  @Get(':id')
  async show(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    send(
      reply,
      await this.read(request, async (caller) => {
        const view = isUuid(id) ? await readSettlement(this.edge.pool, id) : undefined;
        if (view === undefined || !maySee(caller, view)) return NOT_FOUND;
        return jsonAnswer(200, await renderSettlement(this.edge, view));
      }),
    );
  }

  @Get()
  async list(@Query() query: ListQuery, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    send(
      reply,
      await this.read(request, async (caller) => {
        const asked = readPage(query, ['artifact'], CURSOR, { usual: PAGE, max: PAGE });
        if (typeof asked === 'string') return problemOf('malformed', { field: asked });
        const { artifact } = query;
        if (typeof artifact !== 'string' || !isUuid(artifact)) return NOT_FOUND;
        const { limit, cursor } = asked;
        const after = cursor === null ? null : { settlementId: cursor[0] ?? '', attempt: Number(cursor[1]) };
        const views = await listSettlements(this.edge.pool, artifact, caller, after, limit + 1);
        if (views.length === 0 && !(await this.isParty(caller, artifact))) return NOT_FOUND;
        const last = views.length > limit ? views[limit - 1] : undefined;
        const settlements = await Promise.all(views.slice(0, limit).map((view) => renderSettlement(this.edge, view)));
        const link = { path: '/v1/settlements', query: { artifact, limit } };
        return pageAnswer(link, { settlements }, last === undefined ? null : [last.settlementId, last.attempt]);
      }),
    );
  }

  /** Who sees no settlement learns that there are none only of an artifact of its own. */
  private async isParty({ kind, id }: Reader, artifactId: string): Promise<boolean> {
    const [artifact] = await readArtifacts(this.edge.pool, [artifactId]);
    return kind === 'rail' ? false : (kind === 'agent' ? artifact?.agentId : artifact?.audience) === id;
  }

  private async read(request: EdgeRequest, act: (caller: Reader) => Promise<Answer>): Promise<Answer> {
    return this.edge.guarded(async () => {
      const read = await this.edge.reads.verify(request);
      return read.ok ? act(read.caller) : read.answer;
    });
  }
}

/** An agent sees its own, a settlement service its audience and what it asked itself, a rail what it moves. */
function maySee({ kind, id }: Reader, view: SettlementView): boolean {
  if (kind === 'agent') return view.agentId === id;
  if (kind === 'rail') return view.rail === id;
  return view.presenter === id || view.audience === id;
}
