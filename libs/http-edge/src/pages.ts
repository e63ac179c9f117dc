import { type Answer, jsonAnswer } from './problem.js';

/** Query parameters as Fastify parses them: one name sent twice is an array. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

/** A cursor names a place in an order, never a count of rows, so rows that come meanwhile shift no page. */
const CURSOR_CHARS_MAX = 256;

export interface AskedPage {
  readonly limit: number;
  /** Parts of the cursor; `null`: from the start. */
  readonly cursor: readonly string[] | null;
}

/**
 * Reads `limit` and `cursor`.
 *
 * @param own the list's other parameters; any further one is refused, because a misspelt filter would show too much
 * @param parts what each part of a cursor looks like
 * @returns the page, or the name of the parameter that is not in order
 */
export function readPage(
  query: Query,
  own: readonly string[],
  parts: readonly RegExp[],
  limits: { readonly usual: number; readonly max: number },
): AskedPage | string {
  const unknown = Object.keys(query).find((name) => name !== 'limit' && name !== 'cursor' && !own.includes(name));
  if (unknown !== undefined) return unknown.slice(0, 64);
  const limit = query['limit'] === undefined ? limits.usual : wholeNumber(query['limit']);
  if (limit === undefined || limit < 1 || limit > limits.max) return 'limit';
  const cursor = query['cursor'] === undefined ? null : decodeCursor(query['cursor'], parts);
  return cursor === undefined ? 'cursor' : { limit, cursor };
}

/** Decimal digits only, ten at most. */
export function wholeNumber(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

/**
 * A page of a list, with its cursor and `Link` (RFC 8288).
 *
 * @param link the list's path with the parameters that made this page, in its canonical spelling
 * @param next parts of the cursor of the next page; `null`: this was the last
 */
export function pageAnswer(
  link: { readonly path: string; readonly query: Readonly<Record<string, string | number | null>> },
  members: Readonly<Record<string, unknown>>,
  next: readonly (string | number)[] | null,
): Answer {
  const cursor = next === null ? null : Buffer.from(next.join('/')).toString('base64url');
  const query = Object.entries({ ...link.query, cursor }).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  const headers = cursor === null ? {} : { link: `<${link.path}?${query.join('&')}>; rel="next"` };
  return jsonAnswer(200, { ...members, has_more: cursor !== null, next_cursor: cursor }, headers);
}

function decodeCursor(value: string | string[], forms: readonly RegExp[]): string[] | undefined {
  if (typeof value !== 'string' || value.length > CURSOR_CHARS_MAX) return undefined;
  const parts = Buffer.from(value, 'base64url').toString().split('/');
  const inForm = parts.length === forms.length && forms.every((form, at) => form.test(parts[at] ?? ''));
  return inForm ? parts : undefined;
}
