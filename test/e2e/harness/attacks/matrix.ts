import type { Signer } from '@spendgate/artifact';
import { sealed } from '../forge.js';
import type { Attack } from './attack.js';

/** One kind of signed request at its door: an honest one, made anew for each attack, with a name no other has. */
export interface HonestRequest {
  readonly family: string;
  readonly typ: string;
  readonly signer: Signer;
  claims(): Readonly<Record<string, unknown>>;
  /** Members that may be left out. */
  readonly optional: readonly string[];
  /** Paths that may be `null`, which then is no other type. */
  readonly nullable?: readonly string[];
  /** Paths with codes of their own where the type is wrong; all others are `malformed`. */
  readonly codes: Readonly<Record<string, readonly string[]>>;
}

type Path = readonly string[];

/** Every member of a JSON object, outer ones first. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [[...at, name], ...pathsOf(member, [...at, name])]);
}

function changed(claims: unknown, [name = '', ...rest]: Path, value: unknown): unknown {
  if (Array.isArray(claims)) {
    return claims.map((each, index) => {
      if (String(index) !== name) return each as unknown;
      return rest.length === 0 ? value : changed(each, rest, value);
    });
  }
  const object = claims as Readonly<Record<string, unknown>>; // as: a path of pathsOf leads through objects
  return { ...object, [name]: rest.length === 0 ? value : changed(object[name], rest, value) };
}

function valueAt(claims: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], claims); // as: see changed
}

/** One of each JSON type, and what lenient parsers take for another one (RFC 8259 §3). */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER],
  ...['', '0', '1', 'null', 'true', 'NaN', '[object Object]'],
  ...[[], [null], [0], [''], [[]], [{}], {}, { value: null }, { length: 1 }, { toString: '1' }, { $ne: null }],
];

/** All values whose JSON type is not that of the honest one, and the honest one where it does not belong. */
function othersOf(honest: unknown): unknown[] {
  const wrapped = [[honest], { value: honest }, { [String(honest)]: honest }];
  const spelt = typeof honest === 'number' ? [String(honest), `${honest}.0`, honest + 0.5] : [];
  return [...VALUES.filter((value) => jsonType(value) !== jsonType(honest)), ...wrapped, ...spelt];
}

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Every claim, at every depth, as every other JSON type, and left out: none of it is taken for what it should be. */
export function typeMatrix(request: HonestRequest): Promise<Attack[]> {
  const codesAt = (path: Path): readonly string[] => request.codes[path.join('.')] ?? ['malformed'];
  const attacks = pathsOf(request.claims()).flatMap((path) => {
    const name = path.join('.');
    const others = othersOf(valueAt(request.claims(), path));
    const isNullable = request.nullable?.includes(name) === true;
    const values = others
      .filter((value) => value !== null || !isNullable)
      .map((value) =>
        attack(request, `${name} as ${JSON.stringify(value)}`, codesAt(path), changed(request.claims(), path, value)),
      );
    if (request.optional.includes(name)) return values;
    return [...values, attack(request, `no ${name}`, codesAt(path), changed(request.claims(), path, undefined))];
  });
  return Promise.all(attacks);
}

/** What a caller would like to decide himself, and names that objects of a language already have. */
const MEMBERS = [
  ...['outcome', 'code', 'approved', 'authorized', 'admin', 'role', 'status', 'state', 'limit', 'limits', 'budget'],
  ...['held', 'captured', 'refunded', 'epoch', 'flow', 'policy', 'env', 'lineage', 'decision', 'receipt', 'leaf_hash'],
  ...['nbf', 'sub', 'act', 'scope', 'crit', 'b64', 'jwk', 'jku', 'x5u', 'Amount', 'AMOUNT', 'amount ', ' amount'],
  ...['amоunt', '', ' ', '\u200b', '.', '$ref', '@type', 'constructor', 'prototype', 'toString', 'valueOf'],
  ...['hasOwnProperty', '__defineGetter__', '__lookupSetter__', 'toJSON', 'then', 'length', '0', '-1'],
] as const;

/** A member nobody asked for, at every depth: refused by name, never ignored (design: unknown claim is denied). */
export function memberMatrix(request: HonestRequest): Promise<Attack[]> {
  const objects = [[], ...pathsOf(request.claims())].filter(
    (path) => jsonType(valueAt(request.claims(), path)) === 'object',
  );
  const attacks = objects.flatMap((path) => {
    const known = Object.keys(valueAt(request.claims(), path) as object); // as: filtered above
    const names = MEMBERS.filter((name) => !known.includes(name) && !request.optional.includes(name));
    return names.map((name) =>
      attack(
        request,
        `member ${JSON.stringify(name)} in ${path.join('.') || 'the claims'}`,
        ['unknown_field'],
        changed(request.claims(), [...path, name], true),
      ),
    );
  });
  return Promise.all(attacks);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BROKEN = ['malformed', 'encoding_invalid'];
const FORM = [...BROKEN, 'unknown_field', 'artifact_missing'];
const MONEY = ['amount_invalid', 'currency_unsupported', 'currency_precision', 'currency_mismatch'];
const HEADER = ['algorithm_forbidden', 'header_forbidden', 'type_mismatch', 'key_unknown', 'signature_invalid'];
const PAYLOAD = ['issuer_unknown', 'audience_mismatch', 'domain_mismatch', 'signature_invalid'];

/** Every character of a token, one at a time, as another one of the alphabet: one changed bit and nothing holds. */
export async function characterMatrix(request: HonestRequest): Promise<Attack[]> {
  const token = await sealed(request.signer, request.typ, request.claims());
  const firstDot = token.indexOf('.');
  const lastDot = token.lastIndexOf('.');
  const regionOf = (index: number): readonly string[] => {
    if (index < firstDot) return [...FORM, ...HEADER];
    if (index < lastDot) return [...FORM, ...MONEY, ...PAYLOAD];
    // The last character carries bits that must be 0, so most of its neighbours are no spelling at all.
    return index === token.length - 1 ? [...BROKEN, 'signature_invalid'] : ['signature_invalid'];
  };
  return [...token].flatMap((letter, index) => {
    if (letter === '.') return [];
    const other = ALPHABET[(ALPHABET.indexOf(letter) + 1 + (index % 62)) % 64] ?? 'A';
    const body = `${token.slice(0, index)}${other}${token.slice(index + 1)}`;
    return [{ name: `${request.family}: character ${index} as ${other}`, body, answers: regionOf(index) }];
  });
}

/** A token that stops anywhere: what is left is never read as a shorter one. */
export async function truncations(request: HonestRequest): Promise<Attack[]> {
  const token = await sealed(request.signer, request.typ, request.claims());
  const signatureAt = token.lastIndexOf('.') + 1;
  return Array.from({ length: token.length }, (_, length) => ({
    name: `${request.family}: the first ${length} characters`,
    body: token.slice(0, length),
    answers: length >= signatureAt ? [...BROKEN, 'signature_invalid'] : BROKEN,
  }));
}

async function attack(
  request: HonestRequest,
  name: string,
  answers: readonly string[],
  claims: unknown,
): Promise<Attack> {
  const body = await sealed(request.signer, request.typ, claims as object); // as: claims changed in one member
  return { name: `${request.family}: ${name}`, body, answers };
}
