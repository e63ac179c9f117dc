import { sealed } from '../forge.js';
import type { InputsWorld } from '../inputs-world.js';
import { type Attack, INTENT, IntentForge } from './attack.js';

/** Members a parser may treat as its own, members that look like ours, and what a caller would like to decide himself. */
const UNKNOWN = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', 'Amount', 'amount ', 'nbf', 'sub'],
  ...['outcome', 'status', 'role', 'approved', 'artifact', 'decision', 'limit', 'version', 'cnf', 'act', 'flow'],
] as const;
/** RFC 7493 §2.1: no surrogates, no non-characters; and no NUL, which ends a text for some. */
const NO_TEXT = ['\\ud800', '\\udc00', '\\udc00\\ud800', '\\u0000', '\\ufffe', '\\uffff', '\\ufdd0'] as const;
/** RFC 7493 §2.2 and RFC 8259 §6: what is no number, no integer, or not the same one in every parser. */
const NO_INTEGER = [
  ...['1e309', '-1e309', '1E400', '9007199254740993', '1.0', '-0', '0x10', 'NaN', 'Infinity', '01', '+1', '1_000'],
] as const;
const BOMBS: Readonly<Record<string, string>> = {
  '33 levels': `${'['.repeat(33)}${']'.repeat(33)}`,
  '5,000 levels': `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  '1,000 members': `{${Array.from({ length: 1_000 }, (_, index) => `"${index}":0`).join(',')}}`,
  '2,001 items': `[${'0,'.repeat(2_000)}0]`,
};

/** RFC 7493 and RFC 8725 §3.9: JSON that two parsers read differently, members nobody asked for, and bombs. */
export function jsonAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'JSON');
  const of = async (name: string, answers: string | readonly string[], text: string): Promise<Attack> =>
    intents.sent(name, answers, await sealed(world.parties.buyer, INTENT, Buffer.from(text)));
  const first = (member: string): string => intents.claimsText().replace('{', `{${member},`);
  const last = (member: string): string => intents.claimsText().replace(/}$/, `,${member}}`);
  return Promise.all([
    ...Object.entries(intents.claims()).flatMap(([name, value]) => [
      of(`${name} twice, equal`, 'malformed', first(`"${name}":${JSON.stringify(value)}`)),
      of(`${name} twice, the second by escapes`, 'malformed', last(`"${escaped(name)}":0`)),
    ]),
    ...UNKNOWN.map((name) => {
      const member = `${JSON.stringify(name)}:{"admin":true}`;
      return of(`member ${JSON.stringify(name)}`, ['unknown_field', 'malformed'], first(member));
    }),
    ...['amount', 'capture'].map((name) => {
      const text = intents.claimsText().replace(`"${name}":{`, `"${name}":{"approved":true,`);
      return of(`unknown member in ${name}`, 'unknown_field', text);
    }),
    ...NO_TEXT.map((code) => {
      const text = intents.claimsText({ reference: 'MARK' }).replace('MARK', code);
      return of(`code unit ${code}`, 'encoding_invalid', text);
    }),
    ...NO_INTEGER.map((number) => {
      const text = intents.claimsText().replace(/"iat":\d+/, `"iat":${number}`);
      return of(`iat ${number}`, 'malformed', text);
    }),
    ...Object.entries(BOMBS).map(([name, json]) =>
      of(name, ['malformed', 'too_large', 'unknown_field'], first(`"evidence":${json}`)),
    ),
  ]);
}

function escaped(name: string): string {
  return [...name].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}
