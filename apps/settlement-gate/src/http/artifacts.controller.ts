import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { UNSUPPORTED, jsonAnswer } from './answers.js';
import { type EdgeReply, type EdgeRequest, send } from './edge.js';
import { GATE_EDGE, type GateEdge, isToken } from './gate-edge.js';

@Controller('v1/artifacts')
export class ArtifactsController {
  constructor(@Inject(GATE_EDGE) private readonly edge: GateEdge) {}

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
