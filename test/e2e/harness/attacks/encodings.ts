import { gzipSync } from 'node:zlib';
import type { InputsWorld } from '../inputs-world.js';
import { type Attack, IntentForge } from './attack.js';

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
    intents.sent('900 KB', 'too_large', Buffer.alloc(900_000, 'A')),
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
