import { FIELD_PATH_CHARS_MAX } from './limits.js';

/** Denial codes of the form group that are found before any key or database is asked. */
export type FormCode =
  | 'too_large'
  | 'encoding_invalid'
  | 'artifact_missing'
  | 'malformed'
  | 'type_mismatch'
  | 'header_forbidden'
  | 'algorithm_forbidden'
  | 'unknown_field';

/** Why bytes are not what they should be: a row of the denials table and the place. A value, never thrown. */
export interface Problem<C extends FormCode = FormCode> {
  readonly ok: false;
  readonly code: C;
  /** Where: `amount.value`, `evidence[2].hash`, `header.alg`; `payload` or `token` when it is the whole. */
  readonly field: string;
}

export function problem<C extends FormCode>(code: C, field: string): Problem<C> {
  return { ok: false, code, field: field.length > FIELD_PATH_CHARS_MAX ? field.slice(0, FIELD_PATH_CHARS_MAX) : field };
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/**
 * Appends one step to a field path. A name an attacker chose goes in quotes, ASCII only and cut to 64 characters, so
 * that a log line or a problem document can carry it as it is.
 *
 * @param path '' at the root
 */
export function fieldPath(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  if (!PLAIN_NAME.test(step)) return `${path}[${asciiQuoted(step)}]`;
  return path === '' ? step : `${path}.${step}`;
}

function asciiQuoted(name: string): string {
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${name.slice(0, 64).replace(/[^ !#-[\]-~]/g, escape)}"`;
}
