import { SignedReads } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { type Clock, Turnstile } from '@spendgate/platform';
import type { StatusLists } from '../http/status-lists.js';
import type { WitnessPlace } from '../signing/witnesses.js';
import { MakeBundle } from './make-bundle.js';
import { MakeIncidentBundle } from './make-incident-bundle.js';
import { MakeRangeBundle } from './make-range-bundle.js';
import { READERS, type Reader } from './reader.js';

export const BUNDLES = Symbol('bundles');

/** Each walks over every act of the domain: few at once, so that nothing else waits for connections. */
const AT_ONCE = { atOnceMax: 2, waitingMax: 64 };

/** What the bundles' controller works with. */
export interface Bundles {
  readonly reads: SignedReads<Reader['kind']>;
  readonly make: MakeBundle;
  readonly incidents: MakeIncidentBundle;
  readonly ranges: MakeRangeBundle;
  readonly turnstile: Turnstile;
  readonly clock: Clock;
}

export function createBundles(
  { pool, registry, clock, domain }: Runtime,
  lists: StatusLists,
  witnesses: readonly WitnessPlace[],
): Bundles {
  const sources = { pool, issuer: domain.issuer, witnesses };
  return {
    reads: new SignedReads(READERS, registry, clock, domain.publicUrl),
    make: new MakeBundle(sources, lists),
    incidents: new MakeIncidentBundle(sources),
    ranges: new MakeRangeBundle(sources),
    turnstile: new Turnstile(AT_ONCE),
    clock,
  };
}
