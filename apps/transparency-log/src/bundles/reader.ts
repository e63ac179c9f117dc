import type { Caller } from '@spendgate/http-edge';

/** Who may have a bundle: the artifact's own agent, and the settlement service that may present it. */
export const READERS = ['agent', 'settlement_service'] as const;
export type Reader = Caller<(typeof READERS)[number]>;
