import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { WebhookSender, sendingParts } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { readSettlement } from '@spendgate/store';
import { createGateParts } from './gate-parts.js';
import { ArtifactsController } from './http/artifacts.controller.js';
import { GATE_EDGE, GateEdge } from './http/gate-edge.js';
import { SettlementsController } from './http/settlements.controller.js';
import { renderSettlement } from './http/render-settlement.js';
import { RunningGate } from './running-gate.js';
import { SettlementRequestsHandler } from './settlement-requests.handler.js';
import { SettleRecords } from './settling/settle-records.js';

/** Settles against artifacts: nothing else in a domain moves held money. */
@Module({})
export class SettlementGateModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(RunningGate) private readonly gate: RunningGate,
    @Inject(WebhookSender) private readonly webhooks: WebhookSender,
  ) {}

  static forRoot(runtime: Runtime): DynamicModule {
    const parts = createGateParts(runtime);
    const edge = new GateEdge(parts);
    return {
      module: SettlementGateModule,
      controllers: [SettlementRequestsHandler, SettlementsController, ArtifactsController],
      providers: [
        { provide: GATE_EDGE, useValue: edge },
        { provide: WebhookSender, useValue: settlementWebhooks(runtime, edge) },
        { provide: RunningGate, useValue: new RunningGate(parts) },
        { provide: SettleRecords, useValue: new SettleRecords(parts) },
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.gate.start();
    this.webhooks.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.webhooks.stop();
    await this.gate.stop();
  }
}

/** Sends receipts and what became of the money to the settlement service and the agent, as a read shows them. */
function settlementWebhooks(runtime: Runtime, edge: GateEdge): WebhookSender {
  return new WebhookSender({
    ...sendingParts(runtime),
    source: 'settlements',
    render: async ({ ref }) => {
      const view = await readSettlement(runtime.pool, ref);
      return view === undefined ? undefined : renderSettlement(edge, view);
    },
  });
}
