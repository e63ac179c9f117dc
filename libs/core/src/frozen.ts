import type { Decimal } from 'decimal.js';
import type { Json } from './admission/types.js';
import { InvariantError } from './errors.js';
import { decimal } from './money.js';

/**
 * Reading a stored read set back. It is our own writing, so anything unexpected is a defect or a tampered row and is
 * thrown, never guessed: replay must not reproduce a decision from what it did not read.
 */
export type JsonObject = { readonly [name: string]: Json };

export function object(value: Json | undefined, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || isList(value)) throw damaged(name, 'an object');
  return value;
}

export function list(value: Json | undefined, name: string): readonly Json[] {
  if (value === undefined || value === null || typeof value !== 'object' || !isList(value))
    throw damaged(name, 'a list');
  return value;
}

export function text(value: Json | undefined, name: string): string {
  if (typeof value !== 'string') throw damaged(name, 'a text');
  return value;
}

export function texts(value: Json | undefined, name: string): readonly string[] {
  return list(value, name).map((entry) => text(entry, name));
}

export function number(value: Json | undefined, name: string): number {
  if (typeof value !== 'number') throw damaged(name, 'a number');
  return value;
}

export function flag(value: Json | undefined, name: string): boolean {
  if (typeof value !== 'boolean') throw damaged(name, 'true or false');
  return value;
}

export function amount(value: Json | undefined, name: string): Decimal {
  return decimal(text(value, name));
}

/** One of a closed set of words. */
export function word<const W extends string>(value: Json | undefined, name: string, words: readonly W[]): W {
  const found = words.find((candidate) => candidate === value);
  if (found === undefined) throw damaged(name, words.join(' or '));
  return found;
}

/** An absent or null member is `null`. */
export function optional<T>(value: Json | undefined, read: (present: Json) => T): T | null {
  return value === undefined || value === null ? null : read(value);
}

/** A fact, or the word that says it could not be had. */
export function factOr<T, const W extends string>(
  value: Json | undefined,
  name: string,
  words: readonly W[],
  read: (present: JsonObject) => T,
): T | W {
  return typeof value === 'string' ? word(value, name, words) : read(object(value, name));
}

// Array.isArray does not narrow readonly arrays.
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function damaged(name: string, wanted: string): InvariantError {
  return new InvariantError('ERR_READ_SET_DAMAGED', `"${name}" is not ${wanted}`);
}
