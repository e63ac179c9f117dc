import { ForwardOnly } from './forward-only.js';

/** What the domain as a whole did in the last hour, a number a minute, so that another detector goes on where one stopped. */
export class KeepFleetSeries1700000000027 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE domain_watch
  ADD COLUMN fleet jsonb NOT NULL DEFAULT '{"minute":null,"series":{}}'; -- minute: the last one judged, Unix minutes`;
}
