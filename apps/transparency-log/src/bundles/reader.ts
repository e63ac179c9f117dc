import type { Caller } from '@spendgate/http-edge';

/** Who may have a bundle: the artifact's own agent, the settlement service that may present it, and people. */
export const READERS = ['agent', 'settlement_service', 'person'] as const;
export type Reader = Caller<(typeof READERS)[number]>;
