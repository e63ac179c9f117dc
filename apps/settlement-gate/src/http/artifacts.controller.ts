import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { type EdgeReply, type EdgeRequest, jsonAnswer, send } from '@spendgate/http-edge';
import type { GateItem } from '../settling/gate-item.js';
import { UNSUPPORTED } from './answers.js';
import { GATE_EDGE, type GateEdge, isToken } from './gate-edge.js';

@Controller('v1/artifacts')
export class ArtifactsController {
  constructor(@Inject(GATE_EDGE) private readonly edge: GateEdge) {}

  /** Gives back what is still held, asked by the artifact's service or agent. The same as a void at /v1/settlements. */
  @Post(':id/void')
  async void(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const isAbout = (item: GateItem): boolean => item.kind === 'request' && item.claims.artifact.id === id;
    send(reply, await this.edge.present(request, { kind: 'request', action: 'void', isAbout }));
  }

  /**
   * Whether the artifact in the body could be captured against now: eight named checks, all reported. Who holds the
   * artifact may ask; nothing is decided and nothing is recorded.
   */
  @Post('verify')
  async verify(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    if (!isToken(request)) return send(reply, UNSUPPORTED);
    const { body } = request;
    const report = await this.edge.guarded(async () =>
      jsonAnswer(200, { ...(await this.edge.verifier.execute(body)) }),
    );
    send(reply, report);
  }
}
