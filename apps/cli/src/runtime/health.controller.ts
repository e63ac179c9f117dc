import { Controller, Get, Header, HttpCode, Inject, Res } from '@nestjs/common';
import type { Runtime } from '@spendgate/messaging';

export const RUNTIME = Symbol('runtime');

/** The part of a Fastify reply used here. */
interface Reply {
  code(status: number): unknown;
}

/** What an orchestrator and Prometheus ask of every role. */
@Controller()
export class HealthController {
  constructor(@Inject(RUNTIME) private readonly runtime: Runtime) {}

  /** The process answers; says nothing about what it can do. */
  @Get('livez')
  @HttpCode(200)
  live(): { live: true } {
    return { live: true };
  }

  /** 200 only when every named check holds, so that no request is sent to a role that cannot decide. */
  @Get('readyz')
  async ready(@Res({ passthrough: true }) reply: Reply): Promise<unknown> {
    const report = await this.runtime.health.report();
    reply.code(report.ready ? 200 : 503);
    return report;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.runtime.metrics.render();
  }
}
