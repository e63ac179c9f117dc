import type { TokenTyp } from '@spendgate/codec';
import { DENIALS, type DenialCode } from '@spendgate/core';
import type { z } from 'zod';

/** Response headers beside `content-type`; what each means stands once, in the builder. */
export type AnswerHeader =
  'idempotency-replayed' | 'retry-after' | 'location' | 'link' | 'preference-applied' | 'cache-control' | 'etag';

/** An answer that is no problem. */
export interface AnswerSpec {
  readonly about: string;
  /** Absent: `type` says what the body is, and it has no JSON shape. */
  readonly schema?: z.ZodType;
  readonly type?: string;
  readonly headers?: readonly AnswerHeader[];
  /** Passes `schema`; a spec holds that. */
  readonly example?: unknown;
}

/** A path or query parameter. Path parameters are the names in braces of the path, and required. */
export interface ParameterSpec {
  readonly about: string;
  readonly schema: z.ZodType;
  readonly required?: true;
  readonly example?: string | number;
}

/** One route as clients see it. A spec holds that the table and the routes a role really serves are the same. */
export interface RouteSpec {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI writes it: `/v1/artifacts/{id}`. */
  readonly path: string;
  readonly id: string;
  readonly about: string;
  readonly parameters?: Readonly<Record<string, ParameterSpec>>;
  /** Types of the one signed object in the body. */
  readonly body?: readonly TokenTyp[];
  /** The read carries an RFC 9421 signature by the caller's registered key. */
  readonly signedRead?: true;
  /** `Prefer: wait=N` is honoured (RFC 7240 §4.3). */
  readonly waits?: true;
  /** The id inside the token that `Idempotency-Key` must agree with, when it is sent. */
  readonly idempotencyKey?: string;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Denials it may be refused with; every route may also be refused with {@link EVERYWHERE}. */
  readonly denials: readonly DenialCode[];
  /** Problems that are no denial, by status. */
  readonly problems?: Readonly<Record<number, string>>;
}

/** Rows of the denials table an intent, an approval or an observation may meet. */
export const ADMISSION_DENIALS: readonly DenialCode[] = DENIALS.filter(({ admission }) => admission !== null).map(
  ({ code }) => code,
);
/** Rows a request at the gate may meet. */
export const SETTLEMENT_DENIALS: readonly DenialCode[] = DENIALS.filter(({ settlement }) => settlement !== null).map(
  ({ code }) => code,
);
/** What a signed read is refused with (RFC 9421). */
export const READ_DENIALS: readonly DenialCode[] = [
  'malformed',
  'algorithm_forbidden',
  'key_unknown',
  'key_retired',
  'signature_invalid',
  'identity_discontinuity',
];
/** Any route: too many requests of one source, a dependency that is away, a defect of ours. */
export const EVERYWHERE: readonly DenialCode[] = ['rate_limited', 'trust_unverifiable', 'internal_denied'];
