import type { Runtime } from '@spendgate/messaging';
import { Sweeper } from '@spendgate/platform';
import { cascadeRevocations, markOverdue, proveFlows } from '@spendgate/store';

/**
 * Ends what a permanent revocation left open, and moves flows on whose closing leaf has come under a signed head, and says
 * of incidents past their due time that they are. Three questions to the database while there is nothing to do; of several processes the control lock lets one do it.
 */
export class RecoverySweep {
  private readonly sweeper: Sweeper;

  constructor({ pool, logger, settings }: Runtime) {
    const pauseMs = Number(settings['SPENDGATE_PARKED_SWEEP_MS']);
    const run = async (): Promise<boolean> =>
      (await cascadeRevocations(pool)) + (await proveFlows(pool)) + (await markOverdue(pool)) > 0;
    this.sweeper = new Sweeper('recovery', pauseMs, run, logger);
  }

  start(): void {
    this.sweeper.start();
  }

  stop(): Promise<void> {
    return this.sweeper.stop();
  }
}
