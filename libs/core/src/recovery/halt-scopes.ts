import type { Mandate } from '../mandates/types.js';

/** Scopes wider than a flow: each halt is one row, and every spend asks for all the rows it could stand under. */
export const WIDE_SCOPES = ['mandate', 'agent', 'counterparty', 'principal', 'domain', 'all'] as const;
export type WideScope = (typeof WIDE_SCOPES)[number];

/** Everything that can be halted: a flow and an artifact act on their own rows. */
export const HALT_SCOPES = ['artifact', 'flow', ...WIDE_SCOPES] as const;
export type HaltScope = (typeof HALT_SCOPES)[number];

/** The one target of scope `all`. */
export const EVERYTHING = '*';

/** What a spend stands under. */
export interface SpendPlace {
  /** Mandates from the root to the flow's own. */
  readonly chain: readonly Pick<Mandate, 'id' | 'agent' | 'principal'>[];
  readonly agent: string;
  readonly counterparty: string;
  /** The domain's issuer. */
  readonly domain: string;
}

export function isWideScope(value: string): value is WideScope {
  return (WIDE_SCOPES as readonly string[]).includes(value);
}

/**
 * Whether a halt stands over a spend. A halted agent halts what it delegated, and a halted mandate all under it.
 *
 * @param isHalted whether a halt of this scope and id stands now
 */
export function isPlaceHalted(
  { chain, agent, counterparty, domain }: SpendPlace,
  isHalted: (scope: WideScope, id: string) => boolean,
): boolean {
  return (
    isHalted('all', EVERYTHING) ||
    isHalted('domain', domain) ||
    isHalted('agent', agent) ||
    isHalted('counterparty', counterparty) ||
    chain.some(
      (level) =>
        isHalted('mandate', level.id) ||
        isHalted('principal', level.principal) ||
        (level.agent !== null && isHalted('agent', level.agent)),
    )
  );
}
