/**
 * The counterparties a flow used last, most recent first, as a text of fixed room: 24-bit hashes in base64url. What is
 * not among them is new to the flow. A memory of what was seen, not a law that adapts: how often something new is normal
 * stays frozen in the baseline.
 */
const KNOWN_MAX = 32;
const WIDTH = 4;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const FORM = /^(?:[A-Za-z0-9_-]{4}){0,32}$/;

export const NONE_KNOWN = '';

export function isKnownList(value: unknown): value is string {
  return typeof value === 'string' && FORM.test(value);
}

/** Whether the counterparty is new, and the list after it. */
export function meetCounterparty(known: string, counterparty: string): { isNew: boolean; known: string } {
  const mark = markOf(counterparty);
  for (let at = 0; at < known.length; at += WIDTH) {
    if (!known.startsWith(mark, at)) continue;
    return { isNew: false, known: at === 0 ? known : mark + known.slice(0, at) + known.slice(at + WIDTH) };
  }
  return { isNew: true, known: mark + known.slice(0, (KNOWN_MAX - 1) * WIDTH) };
}

/** FNV-1a: ids are registered by operators, so nobody gains by a collision. */
function markOf(id: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  const letter = (shift: number): string => ALPHABET.charAt((hash >>> shift) & 63);
  return letter(26) + letter(20) + letter(14) + letter(8);
}
