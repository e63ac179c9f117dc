import type { Logger } from '@spendgate/platform';
import { type FleetFindingOf, type Pool, judgeFleet, recordFleetAlerts } from '@spendgate/store';

/** How often it asks whether another minute is over. */
export const FLEET_PAUSE_MS = 5_000;

/**
 * Tier C: the domain's own series, a number a minute. An alert is a line of the log, a metric and a leaf, for people: it
 * halts nothing, for nobody in particular did it.
 */
export class FleetWatch {
  /** Of the last minute judged. */
  latest: readonly FleetFindingOf[] = [];

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
    private readonly place: { readonly issuer: string; readonly owner: string },
  ) {}

  /** Judges a minute that is over; most of the time there is none. */
  async judge(): Promise<void> {
    const { issuer, owner } = this.place;
    const findings = await judgeFleet(this.pool, owner);
    if (findings === undefined) return;
    this.latest = findings;
    const alerts = findings.filter(({ alert }) => alert !== 'none');
    for (const each of alerts) this.tell(each);
    if (alerts.length > 0) await recordFleetAlerts(this.pool, issuer, owner, alerts);
  }

  private tell({ series, alert, value, usual, spread }: FleetFindingOf): void {
    const unusual = alert === 'novelty' ? 'not seen for an hour' : `usually ${usual}, give or take ${spread}`;
    this.logger.warn(`fleet: ${value} ${series} in a minute, ${unusual}`);
  }
}
