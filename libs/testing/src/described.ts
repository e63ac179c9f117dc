import { canonicalize } from '@spendgate/codec';
import { denial, isDenialCode } from '@spendgate/core';
import type { RouteSpec } from '@spendgate/http-edge';

/** A reply as a spec has it. */
export interface DescribedReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * Holds a real reply to the table that makes the OpenAPI document.
 *
 * @returns what the table does not say; `null`: the reply is as described
 */
export function undescribed(
  routes: readonly RouteSpec[],
  method: string,
  url: string,
  { status, headers, body }: DescribedReply,
): string | null {
  const path = url.split('?')[0] ?? '';
  const route = routes.filter((each) => each.method === method && patternOf(each.path).test(path)).at(0);
  if (route === undefined) return `no route for ${method} ${path}`;
  const answer = route.answers[status];
  if (answer !== undefined) {
    const json: unknown = JSON.parse(JSON.stringify(body)); // fetch parses in another realm under jest
    const parsed = answer.schema?.safeParse(json);
    if (parsed?.success === false) return `${route.id} ${status}: ${parsed.error.message}`;
    // zod leaves out what its schema does not name, so a member more is a difference.
    if (parsed !== undefined && canonicalize(parsed.data) !== canonicalize(json)) {
      return `${route.id} ${status} has a member the table does not name: ${JSON.stringify(body)}`;
    }
    const unnamed = NAMED.filter((name) => headers.has(name) && answer.headers?.includes(name) !== true);
    return unnamed.length === 0 ? null : `${route.id} ${status} sends ${unnamed.join(', ')}`;
  }
  return isRefusal(route, status, body) ? null : `${route.id} does not answer ${status}: ${JSON.stringify(body)}`;
}

const NAMED = ['idempotency-replayed', 'location', 'link', 'preference-applied', 'etag'] as const;

/** Braces of the table are one segment each; literal paths come first because they hold no brace. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '(?!verify$)[^/]+')}$`);
}

function isRefusal(route: RouteSpec, status: number, body: unknown): boolean {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
  if (code === undefined) return status === 415 ? route.body !== undefined : route.problems?.[status] !== undefined;
  if (typeof code !== 'string' || !isDenialCode(code) || denial(code).http !== status) return false;
  return refusalsOf(route).has(code);
}

function refusalsOf(route: RouteSpec): ReadonlySet<string> {
  const read = ['malformed', 'algorithm_forbidden', 'key_unknown', 'key_retired', 'signature_invalid'];
  const everywhere = ['rate_limited', 'trust_unverifiable', 'internal_denied'];
  return new Set([
    ...route.denials,
    ...everywhere,
    ...(route.signedRead === true ? read : []),
    ...(route.body === undefined ? [] : ['too_large']),
  ]);
}
