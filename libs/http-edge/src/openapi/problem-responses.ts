import type { JsonSchema } from '@spendgate/codec';
import { type DenialCode, denial, isRetryable } from '@spendgate/core';
import { PROBLEM_TYPE, problemOf } from '../problem.js';
import { EVERYWHERE, READ_DENIALS, type RouteSpec } from './route.js';

/** Many routes are refused in the same words: each set stands once, under `components.responses`. */
export class SharedResponses {
  private readonly names = new Map<string, string>();
  private readonly responses: Record<string, unknown> = {};

  /** References to the responses of one route. */
  named(responses: JsonSchema): JsonSchema {
    return Object.fromEntries(
      Object.entries(responses).map(([status, response]) => [
        status,
        { $ref: `#/components/responses/${this.nameOf(status, response)}` },
      ]),
    );
  }

  all(): JsonSchema {
    return this.responses;
  }

  private nameOf(status: string, response: unknown): string {
    const text = JSON.stringify(response);
    const known = this.names.get(text);
    if (known !== undefined) return known;
    const others = Object.keys(this.responses).filter((name) => name.startsWith(`refused-${status}-`)).length;
    const name = `refused-${status}-${others + 1}`;
    this.names.set(text, name);
    this.responses[name] = response;
    return name;
  }
}

/** Refusals of a route by status: denials of the table, and problems that are none. */
export function problemResponses(route: RouteSpec): JsonSchema {
  const codes = new Set<DenialCode>([...route.denials, ...(route.signedRead ? READ_DENIALS : []), ...EVERYWHERE]);
  if (route.body !== undefined) codes.add('too_large');
  const plain: Readonly<Record<number, string>> = {
    ...route.problems,
    ...(route.body === undefined ? {} : { 415: 'the body is no `application/jwt`' }),
  };
  const denied = [...codes].map((code) => denial(code));
  const statuses = new Set([...denied.map(({ http }) => http), ...Object.keys(plain).map(Number)]);
  return Object.fromEntries(
    [...statuses]
      .sort((a, b) => a - b)
      .map((status) => {
        const own = denied.filter(({ http }) => http === status).map(({ code }) => code);
        return [status, problemResponse(status, own, plain[status])];
      }),
  );
}

function problemResponse(status: number, codes: readonly DenialCode[], plain: string | undefined): JsonSchema {
  const about = [plain, ...codes.map((code) => `\`${code}\``)].filter((text) => text !== undefined);
  const [first] = codes;
  // A problem without a code shares the status with denials: then the member may be absent, never another.
  const narrowed = codes.length === 0 ? {} : { properties: { code: { enum: [...codes] } } };
  const required = codes.length > 0 && plain === undefined ? { required: ['code'] } : {};
  const headers = codes.some(isRetryable) ? { 'retry-after': { $ref: '#/components/headers/retry-after' } } : undefined;
  return {
    description: about.join(', '),
    ...(headers === undefined ? {} : { headers }),
    content: {
      [PROBLEM_TYPE]: {
        schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', ...narrowed, ...required }] },
        example: first === undefined ? { type: 'about:blank', title: plain, status } : problemOf(first, {}).body,
      },
    },
  };
}
