/**
 * RFC 8785 (JCS): the one text of a JSON value. Members sorted by UTF-16 code units (§3.2.3), strings escaped as
 * ECMAScript does (§3.2.2.2), numbers as ECMAScript writes them (§3.2.2.3). Members whose value is `undefined` are
 * left out, as `JSON.stringify` does.
 *
 * The text of a deeply frozen object is kept as long as the object: what many decisions share is written once.
 *
 * @throws {TypeError} a lone surrogate, NaN, infinity, bigint or another value JSON has no form for: what cannot be
 *   written in one way only must not be hashed
 */
export function canonicalize(value: unknown): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (typeof value !== 'object') throw new TypeError(`no canonical JSON form for ${typeof value}`);
  return Object.isFrozen(value) ? canonicalFrozen(value) : canonicalParts(value);
}

function canonicalParts(value: object): string {
  return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
}

const KEPT = new WeakMap<object, string>();

function canonicalFrozen(value: object): string {
  const kept = KEPT.get(value);
  if (kept !== undefined) return kept;
  const text = canonicalParts(value);
  if (isDeeplyFrozen(value)) KEPT.set(value, text);
  return text;
}

/** Plain data all the way down: nothing in it can be another value the next time. */
function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(Object.getOwnPropertyDescriptors(value)).every(isFrozenMember);
}

function isFrozenMember(member: PropertyDescriptor): boolean {
  return 'value' in member && isDeeplyFrozen(member.value);
}

// Printable ASCII without quote and backslash is written as it is: nearly every string we sign.
const PLAIN = /^[ !#-[\]-~]*$/;

function canonicalString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!isWellFormed(text)) throw new TypeError('a lone surrogate has no UTF-8 form');
  return JSON.stringify(text);
}

// With the `u` flag a surrogate that is half of a pair is no match of its own.
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;

/** @returns whether a string holds no lone surrogate, so that it has a UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('NaN and infinity are no JSON numbers');
  return Object.is(value, -0) ? '0' : String(value);
}

function canonicalArray(items: readonly unknown[]): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) text += i === 0 ? canonicalize(items[i]) : `,${canonicalize(items[i])}`;
  return `${text}]`;
}

function canonicalObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('only plain objects have a JSON form');
  const members = value as Readonly<Record<string, unknown>>; // a plain object, as just seen
  let text = '{';
  for (const name of sortedNames(members)) {
    const member = members[name];
    if (member === undefined) continue;
    text += `${text === '{' ? '' : ','}${canonicalName(name)}${canonicalize(member)}`;
  }
  return `${text}}`;
}

/** By UTF-16 code units, as §3.2.3 wants: so do `<` and sort() without a comparator. */
function sortedNames(members: object): string[] {
  const names = Object.keys(members);
  let before = '';
  for (const name of names) {
    if (name < before) return names.sort();
    before = name;
  }
  return names;
}

/** Member names are few and come again and again. A stranger's own names may fill the rest of the table once. */
const NAMES = new Map<string, string>();
const NAMES_MAX = 2_000;

function canonicalName(name: string): string {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  const text = `${canonicalString(name)}:`;
  if (NAMES.size < NAMES_MAX) NAMES.set(name, text);
  return text;
}
