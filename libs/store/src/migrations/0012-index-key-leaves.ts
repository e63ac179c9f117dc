import { ForwardOnly } from './forward-only.js';

/**
 * The leaves that say which keys a party has, found by party: rows of `party_keys` are believed as far as these explain
 * them. The predicate is a prefix of the payload, so that other leaves cost one comparison when they are written.
 */
export class IndexKeyLeaves1700000000012 extends ForwardOnly {
  protected readonly sql = `
CREATE INDEX leaves_of_keys ON leaves ((substring(payload from '"party":"([^"]*)"')))
  WHERE payload LIKE '{"act":"key\\_%';`;
}
