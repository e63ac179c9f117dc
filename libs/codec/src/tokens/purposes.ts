/** What a key may sign. One key has one purpose, so a stolen status key cannot issue artifacts. */
export const DOMAIN_PURPOSES = ['artifact', 'decision', 'receipt', 'control', 'status', 'checkpoint'] as const;
export const PARTY_PURPOSES = ['principal', 'agent', 'settlement', 'attester', 'person', 'rail'] as const;
export const KEY_PURPOSES = [...DOMAIN_PURPOSES, ...PARTY_PURPOSES] as const;
export type TokenPurpose = (typeof KEY_PURPOSES)[number];
