/** What a key may sign. One key has one purpose, so a stolen status key cannot issue artifacts. */
export const DOMAIN_PURPOSES = [
  'artifact',
  'decision',
  'receipt',
  'control',
  'status',
  'checkpoint',
  'webhook',
] as const;
export const PARTY_PURPOSES = ['principal', 'agent', 'settlement', 'attester', 'person', 'rail'] as const;
export const KEY_PURPOSES = [...DOMAIN_PURPOSES, ...PARTY_PURPOSES] as const;
/** Of them, those of signed objects. A `webhook` key signs messages only: nothing it signs can be taken for an object. */
export const TOKEN_PURPOSES = KEY_PURPOSES.filter((purpose) => purpose !== 'webhook');
export type TokenPurpose = (typeof KEY_PURPOSES)[number];
