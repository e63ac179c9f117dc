import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { WebhookSender, sendingParts } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { readDecision } from '@spendgate/store';
import { watchAuditHealth, watchWatchHealth } from './audit-health.js';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { ArtifactsController } from './http/artifacts.controller.js';
import { DecisionsController } from './http/decisions.controller.js';
import { DOOR, createDoor } from './http/door.js';
import { IncidentsController } from './http/incidents.controller.js';
import { OpsController } from './http/ops.controller.js';
import { KeyTransitionsController } from './http/key-transitions.controller.js';
import { MandatesController } from './http/mandates.controller.js';
import { ObservationsController } from './http/observations.controller.js';
import { PaymentIntentsController } from './http/payment-intents.controller.js';
import { ObservationsHandler } from './observations.handler.js';
import { ParkedSweep } from './parked-sweep.js';
import { PaymentIntentsHandler } from './payment-intents.handler.js';
import type { DecisionAnswers } from './http/decision-answers.js';
import { PeopleNotices } from './notices/people-notices.js';
import { RecordObservations } from './record-observations.js';
import { RecoverySweep } from './recovery-sweep.js';

/** The policy decision point: payment intents in, decisions and artifacts out. */
@Module({})
export class AuthorizerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(ParkedSweep) private readonly parked: ParkedSweep,
    @Inject(RecoverySweep) private readonly recovery: RecoverySweep,
    @Inject(WebhookSender) private readonly webhooks: WebhookSender,
    @Inject(PeopleNotices) private readonly notices: PeopleNotices,
  ) {}

  static forRoot(runtime: Runtime): DynamicModule {
    const parts = createAuthorizerParts(runtime);
    watchAuditHealth(runtime, parts.decide.auditLateMsMax);
    watchWatchHealth(runtime);
    const door = createDoor(runtime, parts);
    return {
      module: AuthorizerModule,
      controllers: [
        PaymentIntentsHandler,
        ObservationsHandler,
        PaymentIntentsController,
        DecisionsController,
        ArtifactsController,
        OpsController,
        IncidentsController,
        KeyTransitionsController,
        MandatesController,
        ObservationsController,
      ],
      providers: [
        { provide: AuthorizeBatch, useValue: new AuthorizeBatch(parts) },
        { provide: RecordObservations, useValue: new RecordObservations(parts) },
        { provide: RecoverySweep, useValue: new RecoverySweep(runtime) },
        { provide: ParkedSweep, useValue: new ParkedSweep(runtime, parts) },
        { provide: DOOR, useValue: door },
        { provide: WebhookSender, useValue: decisionWebhooks(runtime, door.answers) },
        { provide: PeopleNotices, useValue: PeopleNotices.of(runtime) },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.parked.start();
    this.recovery.start();
    this.webhooks.start();
    this.notices.start();
  }

  /** Before the transport stops: what a turn commits is still sent. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.recovery.stop();
    await Promise.all([this.parked.stop(), this.webhooks.stop(), this.notices.stop()]);
  }
}

/** Sends decisions to the agent that asked and to the settlement service the artifact is for, as a read shows them. */
function decisionWebhooks(runtime: Runtime, answers: DecisionAnswers): WebhookSender {
  return new WebhookSender({
    ...sendingParts(runtime),
    source: 'decisions',
    render: async ({ ref }) => {
      const view = await readDecision(runtime.pool, ref);
      return view === undefined ? undefined : (await answers.show(view)).body;
    },
  });
}
