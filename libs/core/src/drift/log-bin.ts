/** Bins of one histogram at most: the confidence of a learned baseline is a union bound over their edges. */
export const BINS_MAX = 512;
const LOWEST = -200;
const HIGHEST = LOWEST + BINS_MAX - 1;
/** Below every other value: zero, and a spend in hours in which the baseline has next to none. */
export const LOWEST_BIN = LOWEST;
/** 10^(i/10) in hundredths: ten bins a decade, each 26 % wide. */
const TENTHS = [126, 159, 200, 252, 317, 399, 502, 631, 795];

/**
 * Where a number lies on a logarithmic scale of ten bins a decade, by its digits alone: no logarithm is computed, so
 * every machine gives the same bin.
 *
 * @param text decimal digits with an optional point, no sign, no exponent: "12.50" is bin 10
 */
export function logBin(text: string): number {
  const point = text.indexOf('.');
  const whole = point < 0 ? text.length : point;
  const digits = point < 0 ? text : text.slice(0, point) + text.slice(point + 1);
  let first = 0;
  while (first < digits.length && digits.charCodeAt(first) === 48) first += 1;
  if (first === digits.length) return LOWEST_BIN;
  const leading = Number(digits.slice(first, first + 3).padEnd(3, '0'));
  let tenth = 0;
  while (tenth < TENTHS.length && leading >= (TENTHS[tenth] ?? Infinity)) tenth += 1;
  const bin = (whole - 1 - first) * 10 + tenth;
  return Math.min(HIGHEST, Math.max(LOWEST + 1, bin));
}

export function isBin(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= LOWEST && Number(value) <= HIGHEST;
}
