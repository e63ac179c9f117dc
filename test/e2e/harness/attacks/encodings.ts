import { gzipSync } from 'node:zlib';
import { sealed } from '../forge.js';
import type { InputsWorld } from '../inputs-world.js';
import { type Attack, INTENT, IntentForge } from './attack.js';

const UNREADABLE = ['malformed', 'encoding_invalid'] as const;

/** RFC 7515 §2: base64url without padding, line breaks, white space or other characters; one token, one spelling. */
export async function spellingAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'spelling');
  const [header = '', payload = '', signature = ''] = (await intents.token()).split('.');
  const whole = `${header}.${payload}.${signature}`;
  const parts: Record<string, string> = {
    'a padded header': `${header}=.${payload}.${signature}`,
    'a padded payload': `${header}.${payload}==.${signature}`,
    'a padded signature': `${whole}==`,
    'padding in the middle': `${header}.${payload.slice(0, 8)}=${payload.slice(8)}.${signature}`,
    'other bits at the end of the signature': `${header}.${payload}.${otherTail(signature)}`,
    'a plus for a minus': `${header}.${payload}.${signature.slice(0, -1)}+`,
    'a slash for an underscore': `${header}.${payload}.${signature.slice(0, -1)}/`,
    'two parts': `${header}.${payload}`,
    'four parts': `${whole}.${signature}`,
    'five parts, as a JWE': `${whole}.${payload}.${signature}`,
    'no header': `.${payload}.${signature}`,
    'no payload': `${header}..${signature}`,
    'dots only': '..',
    'two tokens': `${whole}${whole}`,
    'two tokens in lines': `${whole}\n${whole}`,
    'a Bearer scheme': `Bearer ${whole}`,
    'quotes around it': `"${whole}"`,
    'percent encoding': whole.replaceAll('.', '%2E'),
    'a general JSON serialization': JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    'a flattened JSON serialization': JSON.stringify({ payload, protected: header, signature }),
    'an unencoded payload (RFC 7797)': `${header}.${intents.claimsText()}.${signature}`,
    'a form field': `token=${whole}`,
  };
  const spaces = [' ', '\n', '\r\n', '\t', '\v', '\f', '\0', '\u00a0', '\ufeff', '\u200b', '\u2028'];
  const encoded: [string, Buffer][] = [
    ['UTF-16', Buffer.from(whole, 'utf16le')],
    ['gzip', gzipSync(whole)],
    ['a byte that is no UTF-8', Buffer.concat([Buffer.from(whole), Buffer.from([0xff])])],
    ['an overlong NUL', Buffer.concat([Buffer.from(whole), Buffer.from([0xc0, 0x80])])],
  ];
  return [
    ...Object.entries(parts).map(([name, text]) => intents.sent(name, UNREADABLE, text)),
    ...spaces.flatMap((space) => [
      intents.sent(`${escape(space)} before`, UNREADABLE, `${space}${whole}`),
      intents.sent(`${escape(space)} behind`, UNREADABLE, `${whole}${space}`),
      intents.sent(
        `${escape(space)} inside`,
        UNREADABLE,
        `${header}.${payload.slice(0, 9)}${space}${payload.slice(9)}.${signature}`,
      ),
    ]),
    ...encoded.map(([name, bytes]) => intents.sent(name, UNREADABLE, bytes)),
    intents.sent('15 MB', 'too_large', Buffer.alloc(900_000, 'A')),
  ];
}

const escape = (text: string): string => JSON.stringify(text);

/** The last character carries unused bits: another one decodes to the same bytes, which is another spelling. */
function otherTail(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const at = alphabet.indexOf(part.at(-1) ?? '');
  return `${part.slice(0, -1)}${alphabet[at + 1] ?? 'B'}`;
}

/** RFC 8032 §8.4: one signature for one message, and none but the whole one. */
export async function signatureAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'signature');
  const token = await intents.token();
  const at = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(at), 'base64url');
  const withSignature = (name: string, bytes: Buffer): Attack =>
    intents.sent(name, 'signature_invalid', `${token.slice(0, at)}${bytes.toString('base64url')}`);
  const flips = [0, 1, 7, 15, 31, 32, 40, 48, 56, 62, 63].map((index) => {
    const bytes = Buffer.from(signature);
    bytes[index] = (bytes[index] ?? 0) ^ 0x01;
    return withSignature(`bit flipped in byte ${index}`, bytes);
  });
  return [
    ...flips,
    withSignature('S plus the order of the group', addGroupOrder(signature)),
    withSignature('all zero', Buffer.alloc(64)),
    withSignature('all ones', Buffer.alloc(64, 0xff)),
    withSignature('the neutral point and 0', Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])),
    withSignature('none', Buffer.alloc(0)),
    withSignature('a byte short', signature.subarray(0, 63)),
    withSignature('a byte long', Buffer.concat([signature, Buffer.from([0])])),
    withSignature('twice', Buffer.concat([signature, signature])),
    withSignature('halves changed over', Buffer.concat([signature.subarray(32), signature.subarray(0, 32)])),
    withSignature('reversed', Buffer.from(signature).reverse()),
  ];
}

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** S + L verifies wherever S is not checked to be below L (RFC 8032 §5.1.7). */
function addGroupOrder(signature: Buffer): Buffer {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + GROUP_ORDER;
  const bytes = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
  return Buffer.concat([signature.subarray(0, 32), bytes]);
}

/** RFC 7493 and RFC 8725 §3.9: JSON that two parsers read differently, members nobody asked for, and bombs. */
export async function jsonAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'JSON');
  const sealedText = async (name: string, answers: string | readonly string[], text: string): Promise<Attack> =>
    intents.sent(name, answers, await sealed(world.parties.buyer, INTENT, Buffer.from(text)));
  const open = (more: string): string => intents.claimsText().replace('{', `{${more},`);
  const close = (more: string): string => intents.claimsText().replace(/}$/, `,${more}}`);
  const claims = Object.entries(intents.claims());
  const doubled = claims.flatMap(([name, value]) => [
    sealedText(`${name} twice, equal`, 'malformed', open(`"${name}":${JSON.stringify(value)}`)),
    sealedText(`${name} twice, the second by escapes`, 'malformed', close(`"${escaped(name)}":0`)),
  ]);
  const members = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    'Amount',
    'amount ',
    'outcome',
  ];
  const assigned = [
    'status',
    'role',
    'approved',
    'artifact',
    'decision',
    'limit',
    'version',
    'nbf',
    'sub',
    'cnf',
    'act',
    'flow',
  ];
  const unknown = [...members, ...assigned].map((name) =>
    sealedText(
      `member ${JSON.stringify(name)}`,
      ['unknown_field', 'malformed'],
      open(`${JSON.stringify(name)}:{"admin":true}`),
    ),
  );
  const nested = ['amount', 'capture'].map((name) => {
    const text = intents.claimsText().replace(`"${name}":{`, `"${name}":{"approved":true,`);
    return sealedText(`unknown member in ${name}`, 'unknown_field', text);
  });
  const texts = ['\\ud800', '\\udc00', '\\udc00\\ud800', '\\u0000', '\\ufffe', '\\uffff', '\\ufdd0'].map((code) =>
    sealedText(
      `code unit ${code}`,
      'encoding_invalid',
      intents.claimsText({ reference: 'MARK' }).replace('MARK', code),
    ),
  );
  const numbers = [
    '1e309',
    '-1e309',
    '1E400',
    '9007199254740993',
    '1.0',
    '-0',
    '0x10',
    'NaN',
    'Infinity',
    '01',
    '+1',
    '1_000',
  ].map((number) =>
    sealedText(`iat ${number}`, 'malformed', intents.claimsText().replace(/"iat":\d+/, `"iat":${number}`)),
  );
  const bombs: [string, string][] = [
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['5,000 levels', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['2,000 members', `{${Array.from({ length: 1_000 }, (_, index) => `"${index}":0`).join(',')}}`],
    ['a long list', `[${'0,'.repeat(2_000)}0]`],
  ];
  const deep = bombs.map(([name, json]) =>
    sealedText(name, ['malformed', 'too_large', 'unknown_field'], open(`"evidence":${json}`)),
  );
  return Promise.all([...doubled, ...unknown, ...nested, ...texts, ...numbers, ...deep]);
}

function escaped(name: string): string {
  return [...name].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}
