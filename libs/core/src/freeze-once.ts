import type { Json } from './admission/types.js';

/**
 * Writes a value down as plain JSON once and keeps it as long as the value: facts are values, and the same few are decided
 * on again and again. What is kept is deeply frozen, so whoever writes it out may keep that text too.
 */
export function freezeOnce<K extends object, T extends Json>(write: (value: K) => T): (value: K) => T {
  const known = new WeakMap<K, T>();
  return (value) => {
    const kept = known.get(value);
    if (kept !== undefined) return kept;
    const written = deepFreeze(write(value));
    known.set(value, written);
    return written;
  };
}

/** Freezes plain data in place, all of it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
