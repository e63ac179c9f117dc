import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Runtime } from '@spendgate/messaging';
import { createGateParts } from './gate-parts.js';
import { ArtifactsController } from './http/artifacts.controller.js';
import { GATE_EDGE, GateEdge } from './http/gate-edge.js';
import { SettlementsController } from './http/settlements.controller.js';
import { RunningGate } from './running-gate.js';
import { SettlementRequestsHandler } from './settlement-requests.handler.js';
import { SettleRecords } from './settling/settle-records.js';

/** Settles against artifacts: nothing else in a domain moves held money. */
@Module({})
export class SettlementGateModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(@Inject(RunningGate) private readonly gate: RunningGate) {}

  static forRoot(runtime: Runtime): DynamicModule {
    const parts = createGateParts(runtime);
    return {
      module: SettlementGateModule,
      controllers: [SettlementRequestsHandler, SettlementsController, ArtifactsController],
      providers: [
        { provide: GATE_EDGE, useValue: new GateEdge(parts) },
        { provide: RunningGate, useValue: new RunningGate(parts) },
        { provide: SettleRecords, useValue: new SettleRecords(parts) },
      ],
    };
  }

  onApplicationBootstrap(): Promise<void> {
    return this.gate.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.gate.stop();
  }
}
