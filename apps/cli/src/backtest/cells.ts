import { StartError } from '@spendgate/platform';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
/** What tables write where nothing was measured. */
const MISSING = /^(|na|n\/a|nan|null|none|-|\?)$/i;
const BASIC_DATE = /^(19|20)(\d{2})(\d{2})(\d{2})$/;
const UNIX = /^\d{9,19}(\.\d+)?$/;
const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/;

/** @returns `null` where the cell says that nothing was measured. @throws {StartError} anything else that is no finite number */
export function parseNumber(text: string, where: string): number | null {
  if (MISSING.test(text)) return null;
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(number)) throw new StartError(`${where}: "${text.slice(0, 40)}" is no number`);
  return number;
}

/**
 * A time of a table: ISO 8601 (without an offset: UTC, so that every machine reads the same), a date as 19970101, or Unix
 * seconds, milliseconds, microseconds or nanoseconds by their size.
 *
 * @returns Unix ms
 * @throws {StartError} anything else
 */
export function parseInstant(text: string, where: string): number {
  const date = BASIC_DATE.exec(text);
  if (date !== null)
    return checked(Date.UTC(Number(`${date[1]}${date[2]}`), Number(date[3]) - 1, Number(date[4])), text, where);
  if (UNIX.test(text)) return unixMs(Number(text));
  const iso = ISO.exec(text);
  if (iso === null) throw noTime(text, where);
  const [, day = '', time = '00:00', offset = 'Z'] = iso;
  const zone = offset === 'UTC' ? 'Z' : offset.replace(/^(...)(\d\d)$/, '$1:$2');
  return checked(Date.parse(`${day}T${time}${zone}`), text, where);
}

function unixMs(number: number): number {
  if (number < 1e11) return number * 1_000;
  if (number < 1e14) return number;
  return number < 1e17 ? number / 1e3 : number / 1e6;
}

function checked(atMs: number, text: string, where: string): number {
  if (Number.isNaN(atMs)) throw noTime(text, where);
  return atMs;
}

function noTime(text: string, where: string): StartError {
  return new StartError(`${where}: "${text.slice(0, 40)}" is no time; write 2026-01-31T12:00:00Z or Unix seconds`);
}
