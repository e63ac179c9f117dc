import { SignedReads } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { Turnstile } from '@spendgate/platform';
import type { StatusLists } from '../http/status-lists.js';
import type { WitnessPlace } from '../signing/witnesses.js';
import { MakeBundle } from './make-bundle.js';
import { READERS, type Reader } from './reader.js';

export const BUNDLES = Symbol('bundles');

/** Each walks over every act of the domain: few at once, so that nothing else waits for connections. */
const AT_ONCE = { atOnceMax: 2, waitingMax: 64 };

/** What the bundles' controller works with. */
export interface Bundles {
  readonly reads: SignedReads<Reader['kind']>;
  readonly make: MakeBundle;
  readonly turnstile: Turnstile;
}

export function createBundles(
  { pool, registry, clock, domain }: Runtime,
  lists: StatusLists,
  witnesses: readonly WitnessPlace[],
): Bundles {
  return {
    reads: new SignedReads(READERS, registry, clock, domain.publicUrl),
    make: new MakeBundle(pool, domain.issuer, lists, witnesses),
    turnstile: new Turnstile(AT_ONCE),
  };
}
