import type { z } from 'zod';
import { fieldPath, problem, type Problem } from '../problem.js';
import { TOKENS, type ClaimsOf, type TokenSpec, type TokenTyp } from './tokens.js';

export type ClaimsProblem = Problem<'malformed' | 'unknown_field' | 'artifact_missing'>;
export type ClaimsResult<C> = { readonly ok: true; readonly claims: C } | ClaimsProblem;

/**
 * The claims of a signed object, or the first row of the denials table they break, with the claim's path.
 *
 * Only form is judged: types, lengths, spellings, and that `exp − iat` is within the bound of the `typ`. No clock is
 * read, no amount is judged (core knows currencies), nothing is trusted.
 *
 * @param value what {@link parseStrictJson} gave for the payload
 */
export function parseClaims<T extends TokenTyp>(typ: T, value: unknown): ClaimsResult<ClaimsOf<T>> {
  // One table holds all schemas; that the row of `typ` has the type of `typ` is what its own type says.
  const spec = TOKENS[typ] as unknown as TokenSpec<z.ZodType<ClaimsOf<T>>>;
  if (typ === 'settlement-request+jwt' && namesNoArtifact(value)) return problem('artifact_missing', 'artifact');
  const parsed = spec.schema.safeParse(value);
  if (!parsed.success) return firstProblem(parsed.error.issues);
  const { iat, exp } = parsed.data as { iat: number; exp: number }; // every schema has the common claims
  if (!(exp > iat) || exp - iat > spec.maxLifetimeSeconds) return problem('malformed', 'exp');
  const contradicting = spec.check(parsed.data);
  return contradicting === null ? { ok: true, claims: parsed.data } : problem('malformed', contradicting);
}

/** A11, A18: a request that names no artifact has its own denial, ahead of every other fault of form. */
function namesNoArtifact(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (!('artifact' in value)) return true;
  const { artifact } = value;
  return typeof artifact !== 'object' || artifact === null || !('id' in artifact);
}

/** `malformed` stands before `unknown_field` in the table, so one wrong claim outranks any number of unknown ones. */
function firstProblem(issues: readonly z.core.$ZodIssue[]): ClaimsProblem {
  const wrong = issues.find((issue) => issue.code !== 'unrecognized_keys');
  const first = wrong ?? issues[0];
  const path = (first?.path ?? []).reduce<string>((text, step) => fieldPath(text, stepOf(step)), '');
  if (first?.code === 'unrecognized_keys') return problem('unknown_field', fieldPath(path, first.keys[0] ?? ''));
  return problem('malformed', path === '' ? 'payload' : path);
}

function stepOf(step: PropertyKey): string | number {
  return typeof step === 'symbol' ? String(step) : step;
}
