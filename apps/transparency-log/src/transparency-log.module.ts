import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import type { Runtime } from '@spendgate/messaging';
import { BUNDLES } from './bundles/bundles.js';
import { BundlesController } from './bundles/bundles.controller.js';
import { HISTORIES, HistoryController } from './history/history.controller.js';
import { TimelineController } from './history/timeline.controller.js';
import { DocumentsController } from './http/documents.controller.js';
import { DomainDocuments } from './http/domain-documents.js';
import { LogController } from './http/log.controller.js';
import { PublicLog } from './http/public-log.js';
import { StatusLists } from './http/status-lists.js';
import { LINEAGES, LineageController } from './lineage/lineage.controller.js';
import { watchLog } from './log-health.js';
import { LogLoop } from './log-loop.js';
import { createLogParts } from './log-parts.js';
import { PublishControl } from './signing/publish-control.js';

/** The only writer of the Merkle tree, and the door to everything a verifier fetches. */
@Module({})
export class TransparencyLogModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(LogLoop) private readonly loop: LogLoop,
    @Inject(PublishControl) private readonly control: PublishControl,
  ) {}

  static forRoot(runtime: Runtime): DynamicModule {
    const parts = createLogParts(runtime);
    watchLog(runtime, parts.loop, parts.lateMs, parts.witnesses.places);
    return {
      module: TransparencyLogModule,
      controllers: [
        LogController,
        DocumentsController,
        BundlesController,
        LineageController,
        HistoryController,
        TimelineController,
      ],
      providers: [
        { provide: LogLoop, useValue: parts.loop },
        { provide: PublishControl, useValue: parts.control },
        { provide: PublicLog, useValue: parts.log },
        { provide: DomainDocuments, useValue: parts.documents },
        { provide: StatusLists, useValue: parts.lists },
        { provide: LINEAGES, useValue: parts.lineages },
        { provide: HISTORIES, useValue: parts.histories },
        { provide: BUNDLES, useValue: parts.bundles },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.loop.start();
    this.control.start();
  }

  /** Before the transport stops and the pool closes: the last checkpoint still goes out. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.control.stop();
    await this.loop.stop();
  }
}
