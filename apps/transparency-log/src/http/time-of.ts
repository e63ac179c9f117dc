/** RFC 3339 in UTC, milliseconds at most. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/;

/** @returns Unix ms; no number when the text is no time */
export function timeOf(text: unknown): number {
  return typeof text === 'string' && TIME.test(text) ? Date.parse(text) : Number.NaN;
}
