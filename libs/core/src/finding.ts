import type { Finding } from './admission/types.js';

const UNNAMED: Finding = { field: null, limit: null };

/** A check's answer as a value: `null` when it found nothing. */
export function when(applies: boolean): Finding | null {
  return applies ? UNNAMED : null;
}

/** The same, naming the member of the request or the missing source. */
export function naming(field: string | null, applies = true): Finding | null {
  return applies && field !== null ? { field, limit: null } : null;
}

/** Names the first member whose test is true: one row may watch several members. */
export function firstNamed(...members: readonly (readonly [name: string, applies: boolean])[]): Finding | null {
  for (const [name, applies] of members) if (applies) return { field: name, limit: null };
  return null;
}
