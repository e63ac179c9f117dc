import type { Runtime } from '@spendgate/messaging';
import { Sweeper } from '@spendgate/platform';
import { LaneLost, readLanesWithDue } from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import { EndParkedIntents } from './end-parked-intents.js';

/** Looks at every lane of this process, also when no record comes: one question to the database while nothing is due. */
export class ParkedSweep {
  private readonly endParked: EndParkedIntents;
  private readonly sweeper: Sweeper;

  constructor(
    { pool, logger, settings }: Runtime,
    private readonly parts: AuthorizerParts,
  ) {
    this.endParked = new EndParkedIntents(parts);
    const pauseMs = Number(settings['SPENDGATE_PARKED_SWEEP_MS']);
    this.sweeper = new Sweeper('parked intents', pauseMs, () => this.run(pool), logger);
  }

  start(): void {
    this.sweeper.start();
  }

  /** Finishes the turn under way. */
  stop(): Promise<void> {
    return this.sweeper.stop();
  }

  /** One turn per lane, so that no lane waits for another's backlog. @returns whether there may be more at once */
  private async run(pool: Runtime['pool']): Promise<boolean> {
    const leases = this.parts.progress.leases();
    const due = new Set(
      await readLanesWithDue(
        pool,
        leases.map(({ laneId }) => laneId),
      ),
    );
    let ended = 0;
    const failures: unknown[] = [];
    for (const lease of leases.filter(({ laneId }) => due.has(laneId))) {
      try {
        ended += await this.endParked.execute(lease);
      } catch (error) {
        if (!(error instanceof LaneLost)) failures.push(error); // lost: its new owner ends them
      }
    }
    // After the other lanes had their turn; the sweeper logs it and comes again.
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
    return ended > 0;
  }
}
